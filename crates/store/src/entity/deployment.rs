//! Which deployment this database is. There is one row.
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "deployments")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Never leaves the store.
    pub id: i64,
    pub uuid: String,
    pub number: i64,
    pub accepted: i64,
    pub held_since: Option<i64>,
    pub evidence: Option<Json>,
}

/// Rows are joined by hand: the few queries that need it say which rows they want.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
