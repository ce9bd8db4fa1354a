//! Clusters store the exact version of Kubernetes that they were created with. For existing clusters it follows from
//! the label `kube_tag`, or is the only default that there was.

use sea_orm_migration::prelude::*;

use super::columns::maybe_short;
use super::parts;

/// The version of clusters without the label in earlier releases.
const DEFAULT: &str = "v1.20.2";

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[allow(elided_lifetimes_in_paths, reason = "async-trait requires the signature of the trait")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        parts::add(manager, column()).await?;
        let connection = manager.get_connection();
        let clusters = Query::select().columns(["uuid", "labels"]).from("clusters").and_where(is_kubernetes()).take();
        // Row by row: databases differ in how JSON is queried.
        for row in connection.query_all(&clusters).await? {
            let uuid: String = row.try_get("", "uuid")?;
            let labels: serde_json::Value = row.try_get("", "labels")?;
            let version = labels.get("kube_tag").and_then(serde_json::Value::as_str).unwrap_or(DEFAULT);
            let pin = Query::update()
                .table("clusters")
                .value("engine_version", version)
                .and_where(Expr::col("uuid").eq(uuid))
                .take();
            connection.execute(&pin).await?;
        }
        Ok(())
    }

    /// Atomic where the database has transactional DDL (SQLite and PostgreSQL).
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

pub(super) fn column() -> TableAlterStatement {
    Table::alter().table("clusters").add_column(maybe_short("engine_version")).take()
}

fn is_kubernetes() -> SimpleExpr {
    Expr::col("engine").eq("kubernetes")
}
