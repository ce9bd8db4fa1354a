//! One-time tokens with which agents enrol: their hashes.
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "enrolment_tokens")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Order of creation; never leaves the store.
    pub id: i64,
    pub node_uuid: String,
    /// SHA-256 in hex.
    pub token_hash: String,
    pub expires_at: i64,
    /// SHA-256 in hex of the public key that came with it first. Nobody else can use the token from then on.
    pub bound_to: Option<String>,
}

/// Rows are joined by hand: the few queries that need it say which rows they want.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
