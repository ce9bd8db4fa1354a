//! Identity of the deployment that this database belongs to. There is one row.
use sea_orm::entity::prelude::*;

/// A row of `deployments`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "deployments")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id; never exposed.
    pub id: i64,
    pub uuid: String,
    pub number: i64,
    pub accepted: i64,
    pub held_since: Option<i64>,
    pub evidence: Option<Json>,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
