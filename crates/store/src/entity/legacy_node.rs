//! Nodes of Magnum's 2015 API.
use sea_orm::entity::prelude::*;

/// A row of `legacy_nodes`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "legacy_nodes")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
    pub id: i64,
    pub uuid: String,
    pub project_id: String,
    pub user_id: String,
    pub kind: Option<String>,
    pub image_id: Option<String>,
    pub ironic_node_id: Option<String>,
    pub created_at: i64,
    pub updated_at: Option<i64>,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
