//! Certificates with their keys, join tokens. The owner is a cluster, or nil for the deployment.
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "secrets")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Order of creation; never leaves the store.
    pub id: i64,
    pub owner_uuid: String,
    pub name: String,
    pub certificate: Option<String>,
    /// Sealed with the deployment's key.
    pub sealed_key: Option<Vec<u8>>,
    pub created_at: i64,
}

/// Rows are joined by hand: the few queries that need it say which rows they want.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
