use std::sync::Arc;

use tokio::sync::Barrier;

use super::*;
use crate::idempotency::{KEY_LIFETIME, MAX_ANSWER};
use crate::{IdempotencyKey, KnownKey, StoreError};

fn request_key(name: &str, body: &str, request: &str) -> IdempotencyKey {
    IdempotencyKey::new(&["one", "user", "/v1/clusters", name], &[body.as_bytes()], request)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_with_one_key_one_makes_something_and_the_other_finds_it() {
    let bench = Bench::new().await;
    let start = Arc::new(Barrier::new(2));
    let mut requests = tokio::task::JoinSet::new();
    for request in ["req-1", "req-2"] {
        let (store, start, template) = (bench.store.clone(), Arc::clone(&start), bench.template.clone());
        let cluster = cluster("one", request, template.uuid);
        requests.spawn(async move {
            let key = request_key("k", "{}", request);
            start.wait().await;
            let asked = asked("one", OperationKind::Create);
            let groups = groups(&cluster, 1);
            let made = key.clone().around(store.create_cluster(&template, &cluster, &groups, asked)).await;
            (made.map(|operation| operation.cluster_uuid), store.known_key(&key).await.unwrap())
        });
    }
    let outcomes = requests.join_all().await;
    let made = outcomes.iter().find_map(|(made, _)| made.as_ref().ok()).copied();
    assert!(outcomes.iter().any(|(made, _)| made == &Err(StoreError::KeyTaken)), "{outcomes:?}");
    for (_, known) in &outcomes {
        assert_eq!(known, &Some(KnownKey::Unanswered { resource: made }));
    }
    assert_eq!(bench.store.clusters(&Scope::All, &crate::Page::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_that_is_refused_keeps_no_key() {
    let bench = Bench::new().await;
    let key = request_key("k", "{}", "req-1");
    let cluster = cluster("one", "c", bench.template.uuid);
    let nothing = QuotaDefaults { clusters: 0, ..QUOTAS };
    let asked = NewOperation { quotas: nothing, ..asked("one", OperationKind::Create) };
    let refused = key.clone().around(bench.store.create_cluster(&bench.template, &cluster, &[], asked)).await;
    assert!(matches!(refused, Err(StoreError::QuotaReached { .. })));
    assert_eq!(bench.store.known_key(&key).await.unwrap(), None);
}

#[tokio::test]
async fn an_answer_is_kept_sealed_and_only_for_the_same_request() {
    let bench = Bench::sqlite().await;
    let key = request_key("k", "{}", "req-1");
    bench.store.take_key(&key).await.unwrap();
    assert_eq!(bench.store.known_key(&key).await.unwrap(), Some(KnownKey::Unanswered { resource: None }));
    assert_eq!(bench.store.take_key(&request_key("k", "{}", "req-2")).await, Err(StoreError::KeyTaken));

    bench.store.keep_answer(&key, &vec![b'x'; MAX_ANSWER + 1]).await.unwrap();
    assert_eq!(bench.store.known_key(&key).await.unwrap(), Some(KnownKey::Unanswered { resource: None }));
    bench.store.keep_answer(&key, b"secret words").await.unwrap();
    let again = request_key("k", "{}", "req-2");
    assert_eq!(bench.store.known_key(&again).await.unwrap(), Some(KnownKey::Answered(b"secret words".to_vec())));
    let other = request_key("k", "{ }", "req-2");
    assert_eq!(bench.store.known_key(&other).await.unwrap(), Some(KnownKey::OtherRequest));
    assert_eq!(bench.store.known_key(&request_key("l", "{}", "req-2")).await.unwrap(), None);
    for file in ["test.db", "test.db-wal"] {
        let bytes = std::fs::read(bench.database.folder().join(file)).unwrap();
        assert!(!bytes.windows(12).any(|window| window == b"secret words"), "{file}");
    }

    // Only who took it gives it back.
    bench.store.give_key_back(&again).await.unwrap();
    assert!(bench.store.known_key(&key).await.unwrap().is_some());
    bench.store.give_key_back(&key).await.unwrap();
    assert_eq!(bench.store.known_key(&key).await.unwrap(), None);
}

#[tokio::test]
async fn keys_end_after_a_day_whether_or_not_they_were_swept() {
    let bench = Bench::new().await;
    let (old, young) = (request_key("old", "{}", "req-1"), request_key("young", "{}", "req-2"));
    for key in [&old, &young] {
        bench.store.take_key(key).await.unwrap();
    }
    let aged = Timestamp::now() - KEY_LIFETIME - SignedDuration::from_secs(1);
    let sql = format!("UPDATE idempotency_keys SET created_at = {} WHERE request_id = 'req-1'", aged.as_microsecond());
    sea_orm::ConnectionTrait::execute_unprepared(bench.store.write_connection(), &sql).await.unwrap();
    assert_eq!(bench.store.known_key(&old).await.unwrap(), None);
    bench.store.take_key(&request_key("old", "other", "req-3")).await.unwrap();
    assert_eq!(bench.store.sweep_keys(Timestamp::now()).await.unwrap(), 0);
    assert_eq!(bench.store.sweep_keys(later(KEY_LIFETIME.as_secs() + 1)).await.unwrap(), 2);
    assert_eq!(bench.store.known_key(&young).await.unwrap(), None);
}
