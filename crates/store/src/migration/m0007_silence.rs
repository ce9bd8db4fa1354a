//! Nodes whose agents missed their heartbeats: since when they are silent.

use sea_orm_migration::prelude::*;

use super::columns::maybe_number;
use super::parts;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[allow(elided_lifetimes_in_paths, reason = "async-trait requires the signature of the trait")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        parts::add(manager, column()).await
    }

    /// Atomic where the database has transactional DDL (SQLite and PostgreSQL).
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

pub(super) fn column() -> TableAlterStatement {
    Table::alter().table("nodes").add_column(maybe_number("silent_since")).take()
}
