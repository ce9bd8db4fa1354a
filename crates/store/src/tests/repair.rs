//! Repairs beside other operations, and pauses.

use jeroboam_model::OperationStatus;
use jeroboam_model::plan::NodeRef;
use jeroboam_types::operation::StepStatus;

use super::*;
use crate::{HEALER, StoreError};

fn repair(user: &str) -> NewOperation {
    NewOperation { user_id: user.to_owned(), ..asked("one", OperationKind::Repair) }
}

#[tokio::test]
async fn a_repair_leaves_the_status_alone_however_it_ends() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let before = bench.record(&cluster).await.cluster;
    for outcome in
        [Outcome::Succeeded { facts: ClusterFacts::default() }, Outcome::Failed(trouble()), Outcome::Cancelled]
    {
        let asked = bench.store.request_repair(ClusterId::of(cluster.uuid), repair("alice")).await.unwrap();
        assert_eq!(bench.status(&cluster).await, before.status, "while it waits");
        assert_eq!(bench.end(outcome).await.operation.uuid, asked.uuid);
        assert!(bench.operation(asked.uuid).await.status.is_final());
        let after = bench.record(&cluster).await.cluster;
        assert_eq!((after.status, after.status_reason), (before.status, before.status_reason.clone()));
    }
}

#[tokio::test]
async fn there_is_one_repair_at_a_time_unless_more_is_asked_for() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let first = bench.store.request_repair(ClusterId::of(cluster.uuid), repair(HEALER)).await.unwrap();
    assert_eq!(
        bench.store.request_repair(ClusterId::of(cluster.uuid), repair("alice")).await.unwrap().uuid,
        first.uuid
    );

    let with_data_lost = NewOperation { replace_data: true, ..repair("alice") };
    let second = bench.store.request_repair(ClusterId::of(cluster.uuid), with_data_lost).await.unwrap();
    assert_ne!(second.uuid, first.uuid);
    assert_eq!(bench.operation(first.uuid).await.status, OperationStatus::Cancelled);

    bench.claim().await;
    bench.store.request_cancel(&project("one"), second.uuid).await.unwrap();
    let third = bench.store.request_repair(ClusterId::of(cluster.uuid), repair("alice")).await.unwrap();
    assert_ne!(third.uuid, second.uuid, "one that is being cancelled repairs nothing");
}

#[tokio::test]
async fn a_repair_makes_way_for_a_change() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let repair = bench.store.request_repair(ClusterId::of(cluster.uuid), repair(HEALER)).await.unwrap();
    let claim = bench.claim().await;
    let group = workers(&bench.record(&cluster).await).uuid;
    let scale = asked("one", OperationKind::Scale);
    let scale = bench.store.request_scale(ClusterId::of(cluster.uuid), group, 3, &[], scale).await.unwrap();
    assert!(bench.store.is_cancel_requested(repair.uuid).await.unwrap());
    bench.store.finish(repair.uuid, claim.fence, Outcome::Cancelled).await.unwrap();
    assert_eq!(bench.operation(repair.uuid).await.cause.unwrap().code, "repair_made_way");
    assert_eq!(bench.status(&cluster).await, Status::UpdateInProgress);
    assert_eq!(bench.succeed().await.operation.uuid, scale.uuid);
    assert_eq!(bench.status(&cluster).await, Status::UpdateComplete);
}

#[tokio::test]
async fn nothing_is_repaired_of_a_paused_cluster_but_what_a_user_asks_for() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let running = bench.store.request_repair(ClusterId::of(cluster.uuid), repair(HEALER)).await.unwrap();
    let claim = bench.claim().await;
    bench.store.set_paused(ClusterId::of(cluster.uuid), true).await.unwrap();
    bench.store.finish(running.uuid, claim.fence, Outcome::Cancelled).await.unwrap();
    assert_eq!(bench.operation(running.uuid).await.cause.unwrap().code, "cluster_paused");

    let refused = bench.store.request_repair(ClusterId::of(cluster.uuid), repair(HEALER)).await;
    assert!(matches!(refused, Err(StoreError::NotAllowed { .. })), "{refused:?}");
    let asked = bench.store.request_repair(ClusterId::of(cluster.uuid), repair("alice")).await.unwrap();
    assert_eq!(bench.succeed().await.operation.uuid, asked.uuid);
    bench.store.set_paused(ClusterId::of(cluster.uuid), false).await.unwrap();
    bench.store.request_repair(ClusterId::of(cluster.uuid), repair(HEALER)).await.unwrap();
}

#[tokio::test]
async fn those_that_made_way_do_not_count_and_those_that_a_user_ended_do() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let count = || async { bench.store.repairs_since(cluster.uuid, later(-60)).await.unwrap().len() };
    bench.store.request_repair(ClusterId::of(cluster.uuid), repair(HEALER)).await.unwrap();
    bench.end(Outcome::Failed(trouble())).await;
    assert_eq!(count().await, 1);
    let ended = bench.store.request_repair(ClusterId::of(cluster.uuid), repair(HEALER)).await.unwrap();
    bench.store.request_cancel(&project("one"), ended.uuid).await.unwrap();
    assert_eq!(count().await, 2);
    bench.store.request_repair(ClusterId::of(cluster.uuid), repair(HEALER)).await.unwrap();
    bench.store.set_paused(ClusterId::of(cluster.uuid), true).await.unwrap();
    bench.store.request_repair(ClusterId::of(cluster.uuid), repair("alice")).await.unwrap();
    bench.succeed().await;
    assert_eq!(count().await, 2, "nor do those that somebody asked for");
}

#[tokio::test]
async fn what_helps_a_node_is_not_done_by_being_needed_no_more() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let repair = bench.store.request_repair(ClusterId::of(cluster.uuid), repair(HEALER)).await.unwrap();
    let claim = bench.claim().await;
    let node = NodeRef { uuid: Uuid::nil(), name: "c-worker-0".to_owned() };
    let plan = [step(1, plan::Action::RestartMachine(node.clone())), step(3, plan::Action::AwaitAgent(node))];
    bench.store.record_plan(repair.uuid, claim.fence, &plan).await.unwrap();
    bench.store.record_plan(repair.uuid, claim.fence, &[]).await.unwrap();
    let steps = bench.operation(repair.uuid).await.steps;
    let statuses: Vec<_> = steps.iter().map(|step| (step.key.as_str(), step.status)).collect();
    assert_eq!(statuses, [("restart-machine/c-worker-0", StepStatus::Skipped), ("node/c-worker-0", StepStatus::Done)]);
}
