//! Clients may use any word as the role of a node group, so roles may be as long as names.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use super::columns::short;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[allow(elided_lifetimes_in_paths, reason = "async-trait requires the signature of the trait")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite does not enforce lengths, and cannot change a column.
        if manager.get_database_backend() == DbBackend::Sqlite {
            return Ok(());
        }
        manager.alter_table(Table::alter().table("node_groups").modify_column(short("role")).take()).await
    }

    /// Atomic where the database has transactional DDL (SQLite and PostgreSQL).
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
