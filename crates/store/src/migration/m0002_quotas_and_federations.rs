//! Quotas, federations, nodes of Magnum's 2015 API, heartbeats of processes, and certificates signed for users.

use sea_orm_migration::prelude::*;

use super::columns::{json, maybe_number, maybe_short, maybe_text, number, short, table, uuid, word};
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
    vec![quotas(), federations(), legacy_nodes(), mservices(), issued_certificates()]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        unique("quotas", &["project_id", "resource"]),
        index("federations", &["project_id"]),
        index("federations", &["name"]),
        index("legacy_nodes", &["project_id"]),
        unique("legacy_nodes", &["ironic_node_id"]),
        unique("mservices", &["host", "program"]),
        index("issued_certificates", &["cluster_uuid"]),
        // Node counts are summed by project.
        index("node_groups", &["project_id"]),
    ]
}

fn quotas() -> TableCreateStatement {
    table("quotas")
        .col(short("project_id"))
        .col(word("resource"))
        .col(number("hard_limit"))
        .col(number("created_at"))
        .col(maybe_number("updated_at"))
        .take()
}

fn federations() -> TableCreateStatement {
    // Clusters are stored without foreign keys: a federation does not prevent their deletion.
    table("federations")
        .col(uuid("uuid").unique_key())
        .col(short("project_id"))
        .col(short("user_id"))
        .col(short("name"))
        .col(uuid("host_cluster"))
        .col(json("members"))
        .col(word("status"))
        .col(maybe_text("status_reason"))
        .col(json("properties"))
        .col(number("created_at"))
        .col(maybe_number("updated_at"))
        .take()
}

fn legacy_nodes() -> TableCreateStatement {
    table("legacy_nodes")
        .col(uuid("uuid").unique_key())
        .col(short("project_id"))
        .col(short("user_id"))
        .col(maybe_short("kind"))
        .col(maybe_short("image_id"))
        .col(maybe_short("ironic_node_id"))
        .col(number("created_at"))
        .col(maybe_number("updated_at"))
        .take()
}

fn mservices() -> TableCreateStatement {
    table("mservices")
        .col(short("host"))
        .col(short("program"))
        .col(number("report_count"))
        .col(number("created_at"))
        .col(number("reported_at"))
        .take()
}

fn issued_certificates() -> TableCreateStatement {
    // It outlives its cluster: certificates are audited later.
    table("issued_certificates")
        .col(uuid("cluster_uuid"))
        .col(word("authority"))
        .col(short("serial"))
        .col(maybe_text("subject"))
        .col(short("user_id"))
        .col(short("request_id"))
        .col(number("created_at"))
        .col(number("expires_at"))
        .take()
}
