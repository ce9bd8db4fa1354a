//! Federations.
use sea_orm::entity::prelude::*;

/// A row of `federations`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "federations")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
    pub id: i64,
    pub uuid: String,
    pub project_id: String,
    pub user_id: String,
    pub name: String,
    pub host_cluster: String,
    pub members: Json,
    pub status: String,
    pub status_reason: Option<String>,
    pub properties: Json,
    pub created_at: i64,
    pub updated_at: Option<i64>,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
