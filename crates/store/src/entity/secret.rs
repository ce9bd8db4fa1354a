//! Certificates with their keys, and join tokens. The owner is a cluster, or the nil uuid for the deployment.
use sea_orm::entity::prelude::*;

/// A row of `secrets`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "secrets")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
    pub id: i64,
    pub owner_uuid: String,
    pub name: String,
    pub certificate: Option<String>,
    /// Sealed with the deployment's key.
    pub sealed_key: Option<Vec<u8>>,
    pub created_at: i64,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
