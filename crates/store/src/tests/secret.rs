use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::{KeyFit, Secret, StoreError};

const PLAIN: &str = "-----BEGIN PRIVATE KEY-----MIGHAgEAMBMGByqGSM49";

fn exposed(secret: &Secret) -> (Option<&str>, Option<&str>) {
    (secret.certificate.as_deref(), secret.key.as_ref().map(ExposeSecret::expose_secret))
}

#[tokio::test]
async fn what_is_put_first_stays() {
    let bench = Bench::new().await;
    let owner = Uuid::new_v4();
    let first = bench.store.put_secret(ClusterId::of(owner), "etcd", Some("CERT"), Some(&PLAIN.into())).await.unwrap();
    assert_eq!(exposed(&first), (Some("CERT"), Some(PLAIN)));
    let second =
        bench.store.put_secret(ClusterId::of(owner), "etcd", Some("OTHER"), Some(&"other".into())).await.unwrap();
    assert_eq!(exposed(&second), (Some("CERT"), Some(PLAIN)));
    bench.store.put_secret(ClusterId::of(owner), "token", None, Some(&"t".into())).await.unwrap();
    bench.store.put_secret(ClusterId::of(owner), "open", Some("CERT"), None).await.unwrap();

    let all = bench.store.secrets(ClusterId::of(owner)).await.unwrap();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["etcd", "open", "token"]);
    assert_eq!(exposed(&all["token"]), (None, Some("t")));
    assert_eq!(exposed(&all["open"]), (Some("CERT"), None));
    assert!(bench.store.secret(Owner::Deployment, "etcd").await.unwrap().is_none());

    bench.store.delete_secrets(owner).await.unwrap();
    assert!(bench.store.secret(ClusterId::of(owner), "etcd").await.unwrap().is_none());
}

#[tokio::test]
async fn those_who_race_go_on_with_the_same() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "c").await;
    let revision = bench.store.cluster_revision(cluster.uuid).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let store = bench.store.clone();
        let mine = SecretString::from(format!("key {number}"));
        tasks.spawn(
            async move { store.put_secret(ClusterId::of(cluster.uuid), "etcd", None, Some(&mine)).await.unwrap() },
        );
    }
    let got: Vec<String> = tasks.join_all().await.iter().map(|secret| exposed(secret).1.unwrap().to_owned()).collect();
    assert!(got.iter().all(|key| *key == got[0]), "{got:?}");
    assert_eq!(bench.store.cluster_revision(cluster.uuid).await.unwrap(), revision + 1, "agents learn of it once");
}

#[tokio::test]
async fn no_file_of_the_database_holds_a_key_in_clear() {
    let bench = Bench::sqlite().await;
    bench
        .store
        .put_secret(Owner::Deployment, "agent-ca", Some("PUBLIC-CERTIFICATE"), Some(&PLAIN.into()))
        .await
        .unwrap();
    let mut bytes = Vec::new();
    for file in std::fs::read_dir(bench.database.folder()).unwrap() {
        bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("PUBLIC-CERTIFICATE"), "the test looks in the right place");
    assert!(!holds(PLAIN) && !holds("MIGHAgEAMBMGByqGSM49"));
}

#[tokio::test]
async fn another_key_opens_nothing_and_says_so_without_the_secret() {
    let bench = Bench::new().await;
    bench.store.put_secret(Owner::Deployment, "agent-ca", None, Some(&PLAIN.into())).await.unwrap();
    let other = Store::connect(bench.database.url(), EncryptionKey::from_bytes([8; 32])).await.unwrap();
    let StoreError::Database(said) = other.secret(Owner::Deployment, "agent-ca").await.unwrap_err() else { panic!() };
    assert!(said.contains("agent-ca") && !said.contains("PRIVATE KEY"), "{said}");
}

#[tokio::test]
async fn a_secret_moved_to_another_name_does_not_open() {
    use sea_orm::ConnectionTrait;
    let bench = Bench::new().await;
    bench.store.put_secret(Owner::Deployment, "agent-ca", None, Some(&PLAIN.into())).await.unwrap();
    bench.store.write_connection().execute_unprepared("UPDATE secrets SET name = 'etcd'").await.unwrap();
    assert!(bench.store.secret(Owner::Deployment, "etcd").await.is_err());
}

#[tokio::test]
async fn a_key_that_was_made_anew_replaces_the_old_one_and_the_same_again_is_no_news() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "c").await;
    let store = &bench.store;
    store.put_secret(ClusterId::of(cluster.uuid), "token", Some("CERT"), Some(&"old".into())).await.unwrap();
    let revision = store.cluster_revision(cluster.uuid).await.unwrap();
    for _ in 0..2 {
        store.replace_key(ClusterId::of(cluster.uuid), "token", &"new".into()).await.unwrap();
        let kept = store.secret(ClusterId::of(cluster.uuid), "token").await.unwrap().unwrap();
        assert_eq!(exposed(&kept), (Some("CERT"), Some("new")));
        assert_eq!(store.cluster_revision(cluster.uuid).await.unwrap(), revision + 1);
    }
    store.replace_key(ClusterId::of(cluster.uuid), "first", &"key".into()).await.unwrap();
    assert!(store.secret(ClusterId::of(cluster.uuid), "first").await.unwrap().is_some());
}

#[tokio::test]
async fn a_key_is_tried_on_the_oldest_and_the_newest_secret() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
    let [one, other] = [EncryptionKey::from_bytes([1; 32]), EncryptionKey::from_bytes([2; 32])];
    let with_one = Store::connect(&url, one.clone()).await.unwrap();
    let with_other = Store::connect(&url, other).await.unwrap();
    with_one.put_secret(Owner::Deployment, "open", Some("CERT"), None).await.unwrap();
    assert_eq!(with_other.key_fit().await.unwrap(), KeyFit::NothingSealed, "a certificate alone is not sealed");
    with_one.put_secret(Owner::Deployment, "first", None, Some(&PLAIN.into())).await.unwrap();
    assert_eq!(with_one.key_fit().await.unwrap(), KeyFit::Fits);
    assert_eq!(with_other.key_fit().await.unwrap(), KeyFit::Foreign);
    with_other.put_secret(Owner::Deployment, "second", None, Some(&PLAIN.into())).await.unwrap();
    assert_eq!(with_one.key_fit().await.unwrap(), KeyFit::Foreign, "the newest is another's");
    assert_eq!(with_other.key_fit().await.unwrap(), KeyFit::Foreign, "the oldest is another's");
}
