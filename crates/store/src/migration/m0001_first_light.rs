//! The first schema. It uses names of its own and not the entities: those may change, a migration must not.

use sea_orm_migration::prelude::*;

use super::columns::{
    flag, json, maybe_bytes, maybe_json, maybe_number, maybe_short, maybe_text, maybe_word, number, short, table, uuid,
    word,
};
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

/// Tables, ordered so that each one references only earlier ones.
pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![
        projects(),
        cluster_templates(),
        clusters(),
        node_groups(),
        nodes(),
        enrolment_tokens(),
        operations(),
        steps(),
        secrets(),
    ]
}

/// Indexes for the filters of lists, for look-ups and for uniqueness.
pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        unique("projects", &["project_id"]),
        index("cluster_templates", &["project_id"]),
        index("cluster_templates", &["name"]),
        index("clusters", &["project_id"]),
        index("clusters", &["name"]),
        index("clusters", &["template_uuid"]),
        index("clusters", &["status"]),
        unique("node_groups", &["cluster_uuid", "name"]),
        unique("nodes", &["cluster_uuid", "name"]),
        unique("nodes", &["cluster_uuid", "slot"]),
        index("nodes", &["node_group_uuid"]),
        index("enrolment_tokens", &["node_uuid"]),
        index("operations", &["project_id"]),
        index("operations", &["cluster_uuid", "status"]),
        index("operations", &["cluster_name"]),
        index("operations", &["status", "lease_until"]),
        unique("steps", &["operation_uuid", "step_key"]),
        unique("secrets", &["owner_uuid", "name"]),
    ]
}

fn projects() -> TableCreateStatement {
    table("projects").col(short("project_id")).col(number("created_clusters")).take()
}

fn cluster_templates() -> TableCreateStatement {
    table("cluster_templates")
        .col(uuid("uuid").unique_key())
        .col(short("project_id"))
        .col(short("user_id"))
        .col(maybe_short("name"))
        .col(word("engine"))
        .col(short("image_id"))
        .col(maybe_short("flavor_id"))
        .col(maybe_short("master_flavor_id"))
        .col(maybe_short("keypair_id"))
        .col(maybe_short("external_network_id"))
        .col(maybe_short("fixed_network"))
        .col(maybe_short("fixed_subnet"))
        .col(maybe_text("dns_nameserver"))
        .col(maybe_short("network_driver"))
        .col(maybe_short("volume_driver"))
        .col(maybe_number("docker_volume_size"))
        .col(maybe_short("docker_storage_driver"))
        .col(maybe_number("apiserver_port"))
        .col(maybe_short("cluster_distro"))
        .col(maybe_text("http_proxy"))
        .col(maybe_text("https_proxy"))
        .col(maybe_text("no_proxy"))
        .col(maybe_text("insecure_registry"))
        .col(json("labels"))
        .col(flag("registry_enabled"))
        .col(flag("tls_disabled"))
        .col(flag("public"))
        .col(flag("hidden"))
        .col(flag("master_lb_enabled"))
        .col(flag("floating_ip_enabled"))
        .col(word("server_type"))
        .col(maybe_text("tags"))
        .col(maybe_short("driver"))
        .col(number("created_at"))
        .col(maybe_number("updated_at"))
        .take()
}

fn clusters() -> TableCreateStatement {
    table("clusters")
        .col(uuid("uuid").unique_key())
        .col(short("project_id"))
        .col(short("user_id"))
        .col(short("name"))
        .col(uuid("template_uuid"))
        .col(word("engine"))
        .col(maybe_short("keypair"))
        .col(maybe_number("docker_volume_size"))
        .col(json("labels"))
        .col(maybe_short("master_flavor_id"))
        .col(maybe_short("flavor_id"))
        .col(maybe_number("create_timeout"))
        .col(maybe_text("discovery_url"))
        .col(maybe_short("fixed_network"))
        .col(maybe_short("fixed_subnet"))
        .col(flag("floating_ip_enabled"))
        .col(flag("master_lb_enabled"))
        .col(word("status"))
        .col(maybe_text("status_reason"))
        .col(maybe_word("health"))
        .col(json("health_reason"))
        .col(maybe_short("stack_id"))
        .col(maybe_short("api_address"))
        .col(maybe_short("coe_version"))
        .col(maybe_short("container_version"))
        .col(number("revision"))
        .col(number("created_at"))
        .col(maybe_number("updated_at"))
        .foreign_key(&mut points_at("clusters", "template_uuid", "cluster_templates"))
        .take()
}

fn node_groups() -> TableCreateStatement {
    table("node_groups")
        .col(uuid("uuid").unique_key())
        .col(uuid("cluster_uuid"))
        .col(short("project_id"))
        .col(short("name"))
        .col(word("role"))
        .col(flag("is_default"))
        .col(number("node_count"))
        .col(number("min_node_count"))
        .col(maybe_number("max_node_count"))
        .col(maybe_short("flavor_id"))
        .col(short("image_id"))
        .col(maybe_number("docker_volume_size"))
        .col(json("labels"))
        .col(json("node_labels"))
        .col(json("node_taints"))
        .col(word("status"))
        .col(maybe_text("status_reason"))
        .col(maybe_short("version"))
        .col(number("created_at"))
        .col(maybe_number("updated_at"))
        .foreign_key(&mut points_at("node_groups", "cluster_uuid", "clusters"))
        .take()
}

fn nodes() -> TableCreateStatement {
    table("nodes")
        .col(uuid("uuid").unique_key())
        .col(uuid("cluster_uuid"))
        .col(uuid("node_group_uuid"))
        .col(short("name"))
        .col(number("number"))
        .col(word("role"))
        .col(number("slot"))
        .col(flag("wanted"))
        .col(maybe_short("machine_id"))
        .col(maybe_short("address"))
        .col(maybe_json("report"))
        .col(maybe_number("reported_at"))
        .col(flag("enrolled"))
        .col(number("created_at"))
        .foreign_key(&mut points_at("nodes", "cluster_uuid", "clusters"))
        .foreign_key(&mut points_at("nodes", "node_group_uuid", "node_groups"))
        .take()
}

fn enrolment_tokens() -> TableCreateStatement {
    table("enrolment_tokens")
        .col(uuid("node_uuid"))
        .col(ColumnDef::new("token_hash").string_len(64).not_null().unique_key())
        .col(number("expires_at"))
        .col(ColumnDef::new("bound_to").string_len(64))
        .foreign_key(&mut points_at("enrolment_tokens", "node_uuid", "nodes"))
        .take()
}

fn operations() -> TableCreateStatement {
    table("operations")
        .col(uuid("uuid").unique_key())
        .col(word("kind"))
        .col(word("status"))
        .col(uuid("cluster_uuid"))
        .col(short("cluster_name"))
        .col(short("project_id"))
        .col(short("user_id"))
        .col(short("request_id"))
        .col(number("created_at"))
        .col(maybe_number("started_at"))
        .col(maybe_number("finished_at"))
        .col(maybe_number("deadline_at"))
        .col(maybe_number("time_limit"))
        .col(maybe_json("cause"))
        .col(maybe_short("owner"))
        .col(maybe_number("lease_until"))
        .col(number("fence"))
        .col(maybe_number("run_after"))
        .col(flag("cancel_requested"))
        .take()
}

fn steps() -> TableCreateStatement {
    table("steps")
        .col(uuid("operation_uuid"))
        .col(short("step_key"))
        .col(short("title"))
        .col(number("stage"))
        .col(word("status"))
        .col(number("attempts"))
        .col(maybe_text("progress"))
        .col(maybe_number("started_at"))
        .col(maybe_number("finished_at"))
        .col(maybe_json("cause"))
        .foreign_key(&mut points_at("steps", "operation_uuid", "operations"))
        .take()
}

fn secrets() -> TableCreateStatement {
    table("secrets")
        .col(uuid("owner_uuid"))
        .col(short("name"))
        .col(maybe_text("certificate"))
        .col(maybe_bytes("sealed_key"))
        .col(number("created_at"))
        .take()
}

/// A foreign key: a row of `table` requires the row of `target` that it names. Deletes are explicit, without cascades.
fn points_at(table: &'static str, column: &'static str, target: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk_{table}_{column}"))
        .from(table, column)
        .to(target, "uuid")
        .on_delete(ForeignKeyAction::Restrict)
        .take()
}
