//! Roles of node groups are any word of clients, so they may be as long as names.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use super::columns::short;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[allow(elided_lifetimes_in_paths, reason = "the trait leaves it out, and async-trait wants the same")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite does not enforce lengths, and cannot change a column.
        if manager.get_database_backend() == DbBackend::Sqlite {
            return Ok(());
        }
        manager.alter_table(Table::alter().table("node_groups").modify_column(short("role")).take()).await
    }

    /// All or nothing where the database can do that for schemas (SQLite and PostgreSQL).
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
