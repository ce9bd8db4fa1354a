//! What nodes are to be, kept with them and no longer made of cluster and template each time; and which infrastructure
//! each cluster is made on.

use sea_orm_migration::prelude::*;

use super::columns::{maybe_json, maybe_short};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[allow(elided_lifetimes_in_paths, reason = "the trait leaves it out, and async-trait wants the same")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for change in columns() {
            manager.alter_table(change).await?;
        }
        Ok(())
    }

    /// All or nothing where the database can do that for schemas (SQLite and PostgreSQL).
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// One column at a time: SQLite takes no more.
pub(super) fn columns() -> Vec<TableAlterStatement> {
    let add = |table: &'static str, column: ColumnDef| Table::alter().table(table).add_column(column).take();
    vec![add("nodes", maybe_json("target")), add("clusters", maybe_short("infrastructure"))]
}
