use jeroboam_model::OperationStatus;

use super::*;
use crate::{HealthChange, Renewed, StoreError};

#[tokio::test]
async fn the_oldest_operation_is_taken_once() {
    let bench = Bench::new().await;
    let (_, first) = bench.create("one", "a").await;
    let (_, second) = bench.create("one", "b").await;
    let now = now();
    let claim = bench.store.claim("me", LEASE, now).await.unwrap().unwrap();
    assert_eq!(claim.operation.uuid, first.uuid);
    assert_eq!(claim.operation.status, OperationStatus::Running);
    assert_eq!(claim.operation.started_at, Some(now));
    assert_eq!(claim.operation.deadline_at, Some(now + SignedDuration::from_hours(1)), "counted from the start");
    assert_eq!(bench.store.claim("you", LEASE, now).await.unwrap().unwrap().operation.uuid, second.uuid);
    assert_eq!(bench.store.claim("you", LEASE, now).await.unwrap(), None);
}

#[tokio::test]
async fn of_many_conductors_one_gets_it() {
    let bench = Bench::new().await;
    bench.create("one", "a").await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let store = bench.store.clone();
        tasks.spawn(async move { store.claim(&format!("c{number}"), LEASE, Timestamp::now()).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.into_iter().flatten().count(), 1);
}

#[tokio::test]
async fn a_lease_that_is_renewed_lasts_and_one_that_is_over_is_taken() {
    let bench = Bench::new().await;
    bench.create("one", "a").await;
    let first = bench.claim().await;
    let (uuid, started) = (first.operation.uuid, first.operation.started_at);
    assert_eq!(bench.store.claim("you", LEASE, later(20)).await.unwrap(), None);
    let renewed = bench.store.renew_all("conductor", later(50)).await.unwrap();
    assert_eq!(renewed[&uuid], Renewed { fence: first.fence, cancel_requested: false });
    assert!(bench.store.renew_all("you", later(500)).await.unwrap().is_empty(), "those of others are left alone");
    assert_eq!(bench.store.claim("you", LEASE, later(40)).await.unwrap(), None);
    let second = bench.store.claim("you", LEASE, later(60)).await.unwrap().unwrap();
    assert_eq!(second.operation.uuid, uuid);
    assert!(second.fence > first.fence);
    assert_eq!(second.operation.started_at, started, "first start");
    assert!(bench.store.renew_all("conductor", later(90)).await.unwrap().is_empty(), "it is another's now");
}

#[tokio::test]
async fn who_lost_the_lease_writes_nothing_in_any_way() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "a").await;
    let old = bench.claim().await;
    let (uuid, fence) = (old.operation.uuid, old.fence);
    let plan = [step(1, plan::Action::EnsureSecrets)];
    bench.store.record_plan(uuid, fence, &plan).await.unwrap();
    bench.store.step_running(uuid, fence, "secrets").await.unwrap();
    bench.store.claim("you", LEASE, later(60)).await.unwrap().unwrap();

    let before = (bench.operation(uuid).await, bench.record(&cluster).await);
    let mut events = bench.store.subscribe();
    refuses_everything(&bench, uuid, fence).await;
    refuses_what_is_held(&bench, &old).await;
    assert_eq!((bench.operation(uuid).await, bench.record(&cluster).await), before);
    assert!(bench.store.secrets(ClusterId::of(cluster.uuid)).await.unwrap().is_empty());
    assert!(events.try_recv().is_err(), "nothing happened, so nobody is told");
}

#[tokio::test]
async fn who_gave_an_operation_back_or_ended_it_writes_nothing_more() {
    let bench = Bench::new().await;
    bench.create("one", "a").await;
    let claim = bench.claim().await;
    let (uuid, fence) = (claim.operation.uuid, claim.fence);
    bench.store.release(uuid, fence).await.unwrap();
    refuses_everything(&bench, uuid, fence).await;

    let claim = bench.claim().await;
    assert_eq!(claim.operation.uuid, uuid, "given back is there to be taken at once");
    bench.store.finish(uuid, claim.fence, Outcome::Failed(trouble())).await.unwrap();
    refuses_everything(&bench, uuid, claim.fence).await;
    assert_eq!(bench.operation(uuid).await.status, OperationStatus::Failed);
    assert_eq!(bench.store.claim("you", LEASE, later(600)).await.unwrap(), None);
}

#[tokio::test]
async fn who_is_alone_need_not_wait_for_the_leases_of_one_that_died() {
    let bench = Bench::new().await;
    bench.create("one", "a").await;
    let dead = bench.claim().await;
    bench.store.end_all_leases().await.unwrap();
    refuses_everything(&bench, dead.operation.uuid, dead.fence).await;
    let mine = bench.claim().await;
    assert_eq!(mine.operation.uuid, dead.operation.uuid);
    assert!(mine.fence > dead.fence);
}

#[tokio::test]
async fn whether_an_operation_is_to_end_can_be_seen() {
    let bench = Bench::new().await;
    let (_, create) = bench.create("one", "a").await;
    bench.claim().await;
    assert!(!bench.store.is_cancel_requested(create.uuid).await.unwrap());
    bench.store.request_cancel(&Scope::All, create.uuid).await.unwrap();
    assert!(bench.store.is_cancel_requested(create.uuid).await.unwrap());
}

/// Every write of a conductor about a cluster, its nodes and secrets is refused.
async fn refuses_what_is_held(bench: &Bench, claim: &Claim) {
    let held = bench.store.held(claim);
    let node = bench.store.nodes(held.cluster()).await.unwrap()[0].uuid;
    let lost = Err(StoreError::LeaseLost);
    assert_eq!(held.set_machine(node, "m-1", Some("10.0.0.1".parse().unwrap())).await, lost);
    assert_eq!(held.forget_report(node).await, lost);
    assert_eq!(held.begin_anew(node).await, lost);
    assert_eq!(held.begin_cluster_anew(node).await, lost);
    assert_eq!(held.restart_components(node).await, lost);
    assert_eq!(held.replace_machine(node, "m-1").await, lost);
    assert_eq!(held.issue_token(node, "hash", later(60)).await, lost);
    assert_eq!(held.remove_node(node).await, lost);
    let facts = ClusterFacts { stack_id: Some("net".to_owned()), ..ClusterFacts::default() };
    assert_eq!(held.set_facts(facts).await, lost);
    let health = HealthChange { status: Some(jeroboam_model::Health::Healthy), reason: None };
    assert_eq!(held.set_health(&health).await, lost);
    assert_eq!(held.keep_secret("etcd", Some("PEM"), None).await, lost);
    assert_eq!(held.delete_secrets().await, lost);
}

async fn refuses_everything(bench: &Bench, uuid: Uuid, fence: i64) {
    let store = &bench.store;
    let lost = Err(StoreError::LeaseLost);
    assert_eq!(store.record_plan(uuid, fence, &[step(1, plan::Action::EnsureNetwork)]).await, lost);
    assert_eq!(store.step_running(uuid, fence, "secrets").await, lost);
    assert_eq!(store.step_progress(uuid, fence, "secrets", "half way").await, lost);
    assert_eq!(store.step_blocked(uuid, fence, "secrets", &trouble()).await, lost);
    assert_eq!(store.step_done(uuid, fence, "secrets").await, lost);
    assert_eq!(store.step_failed(uuid, fence, "secrets", &trouble()).await, lost);
    assert_eq!(store.block_operation(uuid, fence, &trouble(), None).await, lost);
    assert_eq!(store.unblock_operation(uuid, fence).await, lost);
    assert_eq!(store.release(uuid, fence).await, lost);
    let facts = ClusterFacts::default();
    for outcome in [Outcome::Succeeded { facts }, Outcome::Failed(trouble()), Outcome::Cancelled] {
        assert_eq!(store.finish(uuid, fence, outcome).await, lost);
    }
}

#[tokio::test]
async fn operations_of_one_cluster_run_one_after_the_other() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "a").await;
    let group = workers(&bench.record(&cluster).await).uuid;
    let scale = |count| {
        bench.store.request_scale(ClusterId::of(cluster.uuid), group, count, &[], asked("one", OperationKind::Scale))
    };
    let first = scale(3).await.unwrap();
    let second = scale(4).await.unwrap();
    let (_, other) = bench.create("one", "b").await;

    assert_eq!(bench.claim().await.operation.uuid, first.uuid);
    assert_eq!(bench.claim().await.operation.uuid, other.uuid, "another cluster's need not wait");
    assert_eq!(bench.store.claim("you", LEASE, Timestamp::now()).await.unwrap(), None);
    // When the first one's conductor dies, it is the first one that is taken again.
    let again = bench.store.claim("you", LEASE, later(60)).await.unwrap().unwrap();
    assert_eq!(again.operation.uuid, first.uuid);
    bench.store.finish(first.uuid, again.fence, Outcome::Failed(trouble())).await.unwrap();
    assert_eq!(bench.claim().await.operation.uuid, second.uuid);
}

#[tokio::test]
async fn a_blocked_operation_keeps_its_lease_and_is_not_taken_before_its_time_when_given_back() {
    let bench = Bench::new().await;
    bench.create("one", "a").await;
    let claim = bench.claim().await;
    let (uuid, fence) = (claim.operation.uuid, claim.fence);
    bench.store.block_operation(uuid, fence, &trouble(), Some(later(120))).await.unwrap();
    let blocked = bench.operation(uuid).await;
    assert_eq!((blocked.status, blocked.cause), (OperationStatus::Blocked, Some(trouble())));
    assert_eq!(bench.store.claim("you", LEASE, Timestamp::now()).await.unwrap(), None);

    bench.store.release(uuid, fence).await.unwrap();
    assert_eq!(bench.store.claim("you", LEASE, later(60)).await.unwrap(), None);
    let again = bench.store.claim("you", LEASE, later(130)).await.unwrap().unwrap();
    assert_eq!((again.operation.status, again.operation.cause), (OperationStatus::Running, None));

    bench.store.block_operation(uuid, again.fence, &trouble(), None).await.unwrap();
    bench.store.unblock_operation(uuid, again.fence).await.unwrap();
    let unblocked = bench.operation(uuid).await;
    assert_eq!((unblocked.status, unblocked.cause), (OperationStatus::Running, None));
}
