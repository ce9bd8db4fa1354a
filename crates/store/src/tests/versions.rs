use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use sea_orm_migration::MigratorTrait;

use super::*;
use crate::migration::Migrator;

/// Migrations that there were before clusters had versions.
const BEFORE: u32 = 4;

const TEMPLATE: &str = "00000000-0000-4000-8000-000000000001";

/// A database as the release before left it: its own schema, its own rows.
async fn old_database(folder: &TempDir) -> DatabaseConnection {
    let connection = Database::connect(url(folder)).await.unwrap();
    Migrator::up(&connection, Some(BEFORE)).await.unwrap();
    run(
        &connection,
        &format!(
            "INSERT INTO cluster_templates (uuid, project_id, user_id, name, engine, image_id, labels, registry_enabled,
             tls_disabled, public, hidden, master_lb_enabled, floating_ip_enabled, server_type, created_at)
             VALUES ('{TEMPLATE}', 'one', 'user', 't', 'kubernetes', 'debian-12', '{{}}', 0, 0, 0, 0, 0, 0, 'vm', 1)"
        ),
    )
    .await;
    connection
}

async fn run(connection: &DatabaseConnection, sql: &str) {
    connection.execute_unprepared(sql).await.unwrap();
}

async fn old_cluster(connection: &DatabaseConnection, name: &str, engine: &str, labels: &str) {
    let uuid = Uuid::new_v4();
    run(
        connection,
        &format!(
            "INSERT INTO clusters (uuid, project_id, user_id, name, template_uuid, engine, labels, floating_ip_enabled,
             master_lb_enabled, status, health_reason, revision, created_at)
             VALUES ('{uuid}', 'one', 'user', '{name}', '{TEMPLATE}', '{engine}', '{labels}', 0, 0, 'CREATE_COMPLETE',
             '{{}}', 1, 1)"
        ),
    )
    .await;
}

#[tokio::test]
async fn clusters_of_earlier_releases_keep_the_version_that_they_were_made_with() {
    let folder = tempfile::tempdir().unwrap();
    let connection = old_database(&folder).await;
    for (name, engine, labels) in [
        ("default", "kubernetes", "{}"),
        ("labelled", "kubernetes", r#"{"kube_tag": "v1.21.3", "flannel_backend": "vxlan"}"#),
        ("swarm", "swarm", r#"{"kube_tag": "v1.20.2"}"#),
    ] {
        old_cluster(&connection, name, engine, labels).await;
    }
    connection.close().await.unwrap();

    let store = Store::connect(&url(&folder), key()).await.unwrap();
    for (name, version) in [("default", Some("v1.20.2")), ("labelled", Some("v1.21.3")), ("swarm", None)] {
        let record = store.cluster(&Scope::All, name).await.unwrap();
        assert_eq!(record.cluster.engine_version.as_deref(), version, "{name}");
        assert_eq!(record.cluster.labels.contains_key("kube_tag"), name != "default", "labels stay as they were given");
        // Both ways of reading find the same.
        let (shown, _) = store.shown_cluster(&Scope::All, &record.cluster.uuid.to_string()).await.unwrap();
        assert_eq!(shown.cluster, record.cluster);
    }
    store.close().await.unwrap();
    // Once is enough: the second start finds everything as it is to be.
    let again = Store::connect(&url(&folder), key()).await.unwrap();
    let record = again.cluster(&Scope::All, "labelled").await.unwrap();
    assert_eq!(record.cluster.engine_version.as_deref(), Some("v1.21.3"));
}

#[tokio::test]
async fn a_database_without_clusters_is_brought_up_to_date_too() {
    let folder = tempfile::tempdir().unwrap();
    old_database(&folder).await.close().await.unwrap();
    let store = Store::connect(&url(&folder), key()).await.unwrap();
    assert_eq!(store.clusters(&Scope::All, &crate::Page::default()).await.unwrap(), []);
    assert_eq!(store.template(&Scope::All, TEMPLATE).await.unwrap().image_id, "debian-12");
}

#[tokio::test]
async fn the_version_of_a_cluster_is_kept() {
    let bench = Bench::new().await;
    let made = Cluster { engine_version: Some("v1.36.3".to_owned()), ..cluster("one", "c", bench.template.uuid) };
    let asked = asked("one", OperationKind::Create);
    bench.store.create_cluster(&bench.template, &made, &groups(&made, 1), asked).await.unwrap();
    assert_eq!(bench.record(&made).await.cluster, made);
}
