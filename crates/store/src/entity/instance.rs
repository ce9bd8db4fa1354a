//! Servers that were started with this database.
use sea_orm::entity::prelude::*;

/// A row of `instances`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "instances")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
    pub id: i64,
    pub uuid: String,
    pub host: String,
    pub started_at: i64,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
