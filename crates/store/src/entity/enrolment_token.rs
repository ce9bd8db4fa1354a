//! Hashes of the one-time tokens with which agents enrol.
use sea_orm::entity::prelude::*;

/// A row of `enrolment_tokens`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "enrolment_tokens")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
    pub id: i64,
    pub node_uuid: String,
    /// SHA-256 in hex.
    pub token_hash: String,
    pub expires_at: i64,
    /// SHA-256 in hex of the public key that used the token first. The token is valid only with this key from then on.
    pub bound_to: Option<String>,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
