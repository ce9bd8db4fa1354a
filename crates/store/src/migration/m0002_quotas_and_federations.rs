//! Quotas, federations, the nodes of 2015, signs of life of processes, and what was signed for whom.

use sea_orm_migration::prelude::*;

use super::columns::{json, maybe_number, maybe_short, maybe_text, number, short, table, uuid, word};
use super::parts::{create, index, unique};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[allow(elided_lifetimes_in_paths, reason = "the trait leaves it out, and async-trait wants the same")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, tables(), indexes()).await
    }

    /// All or nothing where the database can do that for schemas (SQLite and PostgreSQL).
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
        // Nodes are counted by project.
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
    // The clusters are named, not pointed at: a federation does not keep them from being deleted.
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
    // Outlives its cluster: whoever looks into what a certificate was for comes later.
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
