//! The nodes of the API of 2015.
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "legacy_nodes")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Order of creation; never leaves the store.
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

/// Rows are joined by hand: the few queries that need it say which rows they want.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
