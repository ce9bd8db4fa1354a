//! Heartbeats of processes.
use sea_orm::entity::prelude::*;

/// A row of `mservices`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mservices")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Order of creation; exposed by the API.
    pub id: i64,
    pub host: String,
    pub program: String,
    pub report_count: i64,
    pub created_at: i64,
    pub reported_at: i64,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
