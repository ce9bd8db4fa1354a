//! Why steps came to an operation that had begun without them.

use sea_orm_migration::prelude::*;

use super::columns::maybe_text;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[allow(elided_lifetimes_in_paths, reason = "the trait leaves it out, and async-trait wants the same")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(column()).await
    }

    /// All or nothing where the database can do that for schemas (SQLite and PostgreSQL).
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

pub(super) fn column() -> TableAlterStatement {
    Table::alter().table("steps").add_column(maybe_text("added_because")).take()
}
