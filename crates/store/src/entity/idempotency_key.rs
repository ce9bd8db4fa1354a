//! Requests that carry an `Idempotency-Key`.
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Order of creation; never leaves the store.
    pub id: i64,
    /// Of project, user, route and key.
    pub digest: String,
    /// Of what the request asks for.
    pub fingerprint: String,
    /// The request that took the key.
    pub request_id: String,
    /// What it made, written together with it.
    pub resource: Option<String>,
    /// What it was answered.
    pub sealed_answer: Option<Vec<u8>>,
    pub created_at: i64,
}

/// Rows are joined by hand: the few queries that need it say which rows they want.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
