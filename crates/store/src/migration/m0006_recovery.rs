//! Columns for recovery: which nodes have been up, whose machine is to be replaced, which operation set a cluster's
//! status, what the status was before a delete, and which operation is retried.

use sea_orm_migration::prelude::*;

use super::columns::{flag, maybe_number, maybe_short, maybe_word, number};
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
        // Nodes of clusters that were complete once have been up.
        let were_complete = Query::select()
            .column("uuid")
            .from("clusters")
            .and_where(Expr::col("status").is_not_in(["CREATE_IN_PROGRESS", "CREATE_FAILED"]))
            .take();
        let joined = Query::update()
            .table("nodes")
            .value("joined_at", Expr::col("created_at"))
            .and_where(Expr::col("reported_at").is_not_null())
            .and_where(Expr::col("cluster_uuid").in_subquery(were_complete))
            .take();
        manager.get_connection().execute(&joined).await?;
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
    vec![
        add("nodes", maybe_number("joined_at")),
        add("nodes", maybe_short("replace_machine")),
        add("nodes", number("attempt").default(0).take()),
        add("clusters", maybe_short("operation_uuid")),
        add("node_groups", maybe_word("status_before")),
        add("operations", maybe_word("status_before")),
        add("operations", maybe_short("retry_of")),
        add("operations", flag("replace_data").default(false).take()),
    ]
}
