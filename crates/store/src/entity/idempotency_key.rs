//! Requests that carry an `Idempotency-Key`.
use sea_orm::entity::prelude::*;

/// A row of `idempotency_keys`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
    pub id: i64,
    /// Hash of project, user, route and key.
    pub digest: String,
    /// Hash of the request's content.
    pub fingerprint: String,
    /// The request that took the key.
    pub request_id: String,
    /// The resource that the request created, written together with it.
    pub resource: Option<String>,
    /// The response.
    pub sealed_answer: Option<Vec<u8>>,
    pub created_at: i64,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
