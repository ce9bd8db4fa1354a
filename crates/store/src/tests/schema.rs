use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, Iden, Iterable};

use super::*;
use crate::entity;
use crate::migration::schema;

/// Names of an entity's columns.
fn columns<E: EntityTrait>() -> BTreeSet<String> {
    E::Column::iter().map(|column| column.to_string()).collect()
}

#[tokio::test]
async fn tables_and_entities_have_the_same_columns() {
    let bench = Bench::sqlite().await;
    for (table, columns) in [
        ("projects", columns::<entity::project::Entity>()),
        ("cluster_templates", columns::<entity::cluster_template::Entity>()),
        ("clusters", columns::<entity::cluster::Entity>()),
        ("node_groups", columns::<entity::node_group::Entity>()),
        ("nodes", columns::<entity::node::Entity>()),
        ("enrolment_tokens", columns::<entity::enrolment_token::Entity>()),
        ("operations", columns::<entity::operation::Entity>()),
        ("steps", columns::<entity::step::Entity>()),
        ("secrets", columns::<entity::secret::Entity>()),
        ("quotas", columns::<entity::quota::Entity>()),
        ("federations", columns::<entity::federation::Entity>()),
        ("legacy_nodes", columns::<entity::legacy_node::Entity>()),
        ("mservices", columns::<entity::mservice::Entity>()),
        ("issued_certificates", columns::<entity::issued_certificate::Entity>()),
        ("idempotency_keys", columns::<entity::idempotency_key::Entity>()),
        ("notifications", columns::<entity::notification::Entity>()),
        ("counters", columns::<entity::counter::Entity>()),
        ("deployments", columns::<entity::deployment::Entity>()),
        ("instances", columns::<entity::instance::Entity>()),
    ] {
        let rows = bench
            .store
            .reader()
            .query_all_raw(sea_orm::Statement::from_string(
                DbBackend::Sqlite,
                format!("SELECT name FROM pragma_table_info('{table}')"),
            ))
            .await
            .unwrap();
        let there: BTreeSet<String> = rows.iter().map(|row| row.try_get("", "name").unwrap()).collect();
        assert_eq!(there, columns, "{table}");
    }
}

#[test]
fn other_databases_can_be_told_the_schema() {
    let (tables, indexes) = schema();
    for backend in [DbBackend::Postgres, DbBackend::MySql] {
        for table in &tables {
            let sql = backend.build(table).sql;
            assert!(sql.contains("REFERENCES") || !sql.contains("FOREIGN"), "{sql}");
            // Times and numbers are wide enough, and ids can be read by people.
            for narrow in [" int ", " integer", "timestamp", "datetime", "binary", " uuid "] {
                assert!(!sql.contains(narrow), "{narrow} in {sql}");
            }
        }
        let added = crate::migration::new_columns();
        let columns: Vec<String> = added.iter().map(|column| backend.build(column).sql).collect();
        assert!(columns[0].contains("engine_version") && columns[0].contains("varchar(255)"), "{columns:?}");
        assert!(columns.iter().all(|column| column.starts_with("ALTER TABLE")), "{columns:?}");
        for index in &indexes {
            let sql = backend.build(index).sql;
            // PostgreSQL cuts names at 63 bytes, MySQL refuses them above 64.
            let name = sql.split(['"', '`']).nth(1).unwrap();
            assert!(name.len() <= 63, "{name}");
        }
    }
}

#[tokio::test]
async fn lists_and_leases_are_looked_up_by_index() {
    let bench = Bench::sqlite().await;
    for query in [
        "SELECT * FROM clusters WHERE project_id = 'one'",
        "SELECT * FROM clusters WHERE status = 'CREATE_FAILED'",
        "SELECT * FROM node_groups WHERE cluster_uuid IN ('a', 'b')",
        "SELECT * FROM nodes WHERE cluster_uuid IN ('a', 'b')",
        "SELECT * FROM operations WHERE project_id = 'one'",
        "SELECT * FROM operations WHERE cluster_uuid = 'a' OR cluster_name = 'a'",
        "SELECT * FROM operations WHERE status IN ('queued', 'running') AND (lease_until IS NULL OR lease_until < 1)",
        "SELECT * FROM operations WHERE cluster_uuid = 'a' AND status IN ('queued', 'running')",
        "SELECT * FROM steps WHERE operation_uuid = 'a'",
        "SELECT * FROM secrets WHERE owner_uuid = 'a'",
        "SELECT * FROM quotas WHERE project_id = 'one'",
        "SELECT * FROM federations WHERE project_id = 'one'",
        "SELECT * FROM legacy_nodes WHERE project_id = 'one'",
        "SELECT SUM(node_count) FROM node_groups WHERE project_id = 'one' AND role = 'master'",
        "SELECT * FROM issued_certificates WHERE cluster_uuid = 'a'",
        "SELECT * FROM idempotency_keys WHERE digest = 'a'",
        "DELETE FROM idempotency_keys WHERE created_at < 1",
        "SELECT value FROM counters WHERE name = 'a'",
        "SELECT * FROM instances WHERE uuid = 'a'",
    ] {
        let explain = sea_orm::Statement::from_string(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {query}"));
        for row in bench.store.reader().query_all_raw(explain).await.unwrap() {
            let detail: String = row.try_get("", "detail").unwrap();
            assert!(!detail.starts_with("SCAN"), "{query}: {detail}");
        }
    }
}
