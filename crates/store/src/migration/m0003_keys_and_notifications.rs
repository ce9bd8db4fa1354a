//! Requests that carry an `Idempotency-Key`, undelivered notifications, and counters.

use sea_orm_migration::prelude::*;

use super::columns::{json, maybe_bytes, maybe_short, number, short, table};
use super::parts::{create, index, unique};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[allow(elided_lifetimes_in_paths, reason = "async-trait requires the signature of the trait")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, tables(), indexes()).await
    }

    /// Atomic where the database has transactional DDL (SQLite and PostgreSQL).
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![idempotency_keys(), notifications(), counters()]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        unique("idempotency_keys", &["digest"]),
        index("idempotency_keys", &["created_at"]),
        unique("counters", &["name"]),
    ]
}

fn idempotency_keys() -> TableCreateStatement {
    table("idempotency_keys")
        .col(short("digest"))
        .col(short("fingerprint"))
        .col(short("request_id"))
        .col(maybe_short("resource"))
        .col(maybe_bytes("sealed_answer"))
        .col(number("created_at"))
        .take()
}

fn notifications() -> TableCreateStatement {
    table("notifications").col(json("content")).col(number("created_at")).take()
}

fn counters() -> TableCreateStatement {
    table("counters").col(short("name")).col(number("value")).take()
}
