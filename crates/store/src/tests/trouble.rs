use std::os::unix::fs::PermissionsExt;
use std::str::FromStr;

use sea_orm::ConnectionTrait;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{ConnectOptions, Executor};

use super::*;
use crate::{Page, StoreError};

/// Another process, as far as SQLite can tell.
async fn stranger(bench: &Bench) -> SqliteConnection {
    let url = format!("sqlite://{}", bench.file().display());
    SqliteConnectOptions::from_str(&url).unwrap().connect().await.unwrap()
}

/// All that is in the database, as far as these tests can change it.
async fn everything(bench: &Bench) -> impl PartialEq + std::fmt::Debug {
    let clusters = bench.store.clusters(&Scope::All, &Page::default()).await.unwrap();
    let operations = bench.store.operations(&Scope::All, None, &Page::default()).await.unwrap();
    let templates = bench.store.templates(&Scope::All, &Page::default()).await.unwrap();
    let mut revisions = Vec::new();
    for record in &clusters {
        revisions.push(bench.store.cluster_revision(record.cluster.uuid).await.unwrap());
    }
    (clusters, operations, templates, revisions)
}

#[tokio::test]
async fn a_database_locked_by_another_is_busy_for_every_write_and_readable_and_nothing_is_half_written() {
    let bench = Bench::sqlite().await;
    let cluster = bench.created("one", "c").await;
    let (_, queued) = bench.create("one", "d").await;
    let claim = bench.claim().await;
    let group = workers(&bench.record(&cluster).await).uuid;
    let before = everything(&bench).await;
    bench.store.write_connection().execute_unprepared("PRAGMA busy_timeout = 20").await.unwrap();
    let mut stranger = stranger(&bench).await;
    stranger.execute("BEGIN IMMEDIATE").await.unwrap();

    let store = &bench.store;
    let new = super::cluster("one", "e", bench.template.uuid);
    let create =
        store.create_cluster(&bench.template, &new, &groups(&new, 2), asked("one", OperationKind::Create)).await;
    let scale =
        store.request_scale(ClusterId::of(cluster.uuid), group, 5, &[], asked("one", OperationKind::Scale)).await;
    let delete = store.request_delete(ClusterId::of(cluster.uuid), asked("one", OperationKind::Delete)).await;
    let cancel = store.request_cancel(&Scope::All, queued.uuid).await;
    for refused in [create, scale, delete, cancel] {
        assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    }
    let finish = store.finish(claim.operation.uuid, claim.fence, Outcome::Failed(trouble())).await;
    let node = store.nodes(cluster.uuid).await.unwrap()[0].uuid;
    for refused in [finish, store.remove_node(node).await, store.create_template(&template("one", "t")).await] {
        assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    }
    assert_eq!(everything(&bench).await, before, "reading goes on");

    stranger.execute("ROLLBACK").await.unwrap();
    assert_eq!(everything(&bench).await, before);
    bench.create("one", "e").await;
}

#[tokio::test]
async fn a_full_disk_is_told_as_such_leaves_nothing_half_written_and_passes_when_there_is_room() {
    let bench = Bench::sqlite().await;
    let cluster = bench.created("one", "c").await;
    let group = workers(&bench.record(&cluster).await).uuid;
    let before = everything(&bench).await;
    let store = &bench.store;

    // As many nodes as certainly need new pages: some of the rows are written before there is no room for the rest.
    no_more_room(&bench).await;
    let scale =
        store.request_scale(ClusterId::of(cluster.uuid), group, 3000, &[], asked("one", OperationKind::Scale)).await;
    assert!(matches!(scale, Err(StoreError::Full(_))), "{scale:?}");
    assert_eq!(everything(&bench).await, before);

    no_more_room(&bench).await;
    let new = super::cluster("one", "e", bench.template.uuid);
    let create =
        store.create_cluster(&bench.template, &new, &groups(&new, 3000), asked("one", OperationKind::Create)).await;
    assert!(matches!(create, Err(StoreError::Full(_))), "{create:?}");
    assert_eq!(everything(&bench).await, before);

    // The connection that saw it is not used again: there is room now.
    bench.create("one", "e").await;
    bench
        .store
        .request_scale(ClusterId::of(cluster.uuid), group, 3, &[], asked("one", OperationKind::Scale))
        .await
        .unwrap();
}

/// What a full disk does, for one connection.
async fn no_more_room(bench: &Bench) {
    bench.store.write_connection().execute_unprepared("PRAGMA max_page_count = 1").await.unwrap();
}

#[tokio::test]
async fn after_a_transaction_that_was_dropped_the_next_one_locks_at_once() {
    let bench = Bench::sqlite().await;
    bench.store.write_connection().execute_unprepared("PRAGMA busy_timeout = 20").await.unwrap();
    drop(bench.store.begin_once().await.unwrap());
    let open = bench.store.begin_once().await.unwrap();
    let mut stranger = stranger(&bench).await;
    stranger.execute("PRAGMA busy_timeout = 20").await.unwrap();
    assert!(stranger.execute("BEGIN IMMEDIATE").await.is_err());
    drop(open);
    bench.create("one", "c").await;
    stranger.execute("BEGIN IMMEDIATE").await.unwrap();
}

#[tokio::test]
async fn a_connection_whose_transaction_sqlite_ended_by_itself_is_not_used_again() {
    let bench = Bench::sqlite().await;
    let transaction = bench.store.begin_once().await.unwrap();
    // SQLite does this when the disk is full during a commit; the driver does not notice.
    transaction.execute_unprepared("ROLLBACK").await.unwrap();
    drop(transaction);
    // On the old connection this would be an inner transaction, which locks nothing and commits nothing.
    let open = bench.store.begin_once().await.unwrap();
    let mut stranger = stranger(&bench).await;
    stranger.execute("PRAGMA busy_timeout = 20").await.unwrap();
    assert!(stranger.execute("BEGIN IMMEDIATE").await.is_err());
    drop(open);
    bench.create("one", "c").await;
    let url = format!("sqlite://{}", bench.file().display());
    let other = Store::connect(&url, key()).await.unwrap();
    assert_eq!(other.clusters(&Scope::All, &Page::default()).await.unwrap().len(), 1, "it is committed");
}

#[tokio::test]
async fn a_database_that_cannot_be_made_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/nowhere/test.db?mode=rwc", folder.path().display());
    let StoreError::Full(said) = Store::connect(&url, key()).await.unwrap_err() else { panic!() };
    assert!(said.contains("/nowhere/test.db"), "{said}");
}

#[tokio::test]
async fn the_files_are_private_and_what_is_kept_is_there_after_opening_again() {
    let bench = Bench::sqlite().await;
    let (cluster, _) = bench.create("one", "c").await;
    for file in std::fs::read_dir(bench.database.folder()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.path().display());
    }
    let before = bench.record(&cluster).await;
    bench.store.close().await.unwrap();
    assert_eq!(std::fs::read_dir(bench.database.folder()).unwrap().count(), 1, "nothing beside the file itself");
    assert!(bench.store.nodes(cluster.uuid).await.is_err());
    let again = Store::connect(bench.database.url(), key()).await.unwrap();
    assert_eq!(again.cluster_by_uuid(&Scope::All, cluster.uuid).await.unwrap(), before);
}

#[tokio::test]
async fn a_store_in_memory_keeps_what_it_has() {
    let store = Store::connect("sqlite::memory:", key()).await.unwrap();
    let template = template("one", "small");
    store.create_template(&template).await.unwrap();
    drop(store.begin_once().await.unwrap());
    assert!(store.delete_template(&super::template("one", "nowhere")).await.is_err());
    let cluster = cluster("one", "c", template.uuid);
    let asked = asked("one", OperationKind::Create);
    store.create_cluster(&template, &cluster, &groups(&cluster, 1), asked).await.unwrap();
    assert_eq!(store.clusters(&Scope::All, &Page::default()).await.unwrap().len(), 1);
}
