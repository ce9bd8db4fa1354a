//! Targets of nodes, stored with the nodes instead of being computed from cluster and template each time; and the
//! infrastructure that each cluster runs on.

use sea_orm_migration::prelude::*;

use super::columns::{maybe_json, maybe_short};
use super::parts;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[allow(elided_lifetimes_in_paths, reason = "async-trait requires the signature of the trait")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for change in columns() {
            parts::add(manager, change).await?;
        }
        Ok(())
    }

    /// Atomic where the database has transactional DDL (SQLite and PostgreSQL).
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// One column per statement, as SQLite requires.
pub(super) fn columns() -> Vec<TableAlterStatement> {
    let add = |table: &'static str, column: ColumnDef| Table::alter().table(table).add_column(column).take();
    vec![add("nodes", maybe_json("target")), add("clusters", maybe_short("infrastructure"))]
}
