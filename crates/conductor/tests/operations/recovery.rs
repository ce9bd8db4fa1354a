//! What stopped, disappeared or was lost is restored or reported; what holds data is never recreated automatically.

use std::time::Duration;

use jeroboam_infra::simulated::{Fault, FaultKind};
use jeroboam_model::{NodeRole, OperationKind, Status};
use jeroboam_store::{ClusterId, NewOperation, Scope};
use jeroboam_types::operation::{Operation, OperationStatus, StepStatus};
use uuid::Uuid;

use crate::world::{World, new_operation, quick};

/// A complete cluster of one master and two workers: the ids of the cluster, its master and one worker.
async fn complete(world: &World) -> (Uuid, Uuid, Uuid) {
    let (cluster, create) = world.create("c", 1, 2).await;
    world.success_of(create.uuid).await;
    let nodes = world.record(cluster).await.nodes;
    let first = |role| nodes.iter().find(|node| node.role == role).unwrap().uuid;
    (cluster, first(NodeRole::Master), first(NodeRole::Worker))
}

fn disk(world: &World, cluster: Uuid, node: Uuid) -> Option<u64> {
    world.cloud.infra.world().lock().unwrap().disk(cluster, node)
}

/// Waits until a step of the operation runs.
async fn until_running(world: &World, operation: Uuid, key: &str) {
    let mut events = world.store.subscribe();
    let runs = |operation: &Operation| {
        operation.steps.iter().any(|step| step.key == key && step.status == StepStatus::Running)
    };
    while !runs(&world.operation(operation).await) {
        let _ = tokio::time::timeout(Duration::from_millis(20), events.recv()).await;
    }
}

#[tokio::test]
async fn machines_that_stopped_are_started_with_their_disks() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, master, worker) = complete(&world).await;
    let before = (disk(&world, cluster, master), disk(&world, cluster, worker));
    let machines =
        |nodes: &[jeroboam_model::Node]| nodes.iter().map(|node| node.machine_id.clone()).collect::<Vec<_>>();
    let were = machines(&world.record(cluster).await.nodes);
    world.cloud.infra.kill(cluster, master);
    world.cloud.infra.kill(cluster, worker);

    let scale = world.success_of(world.scale(cluster, 2).await.uuid).await;
    assert!(scale.steps.iter().any(|step| step.key == "machine/c-master-0"), "{scale:#?}");
    assert_eq!((disk(&world, cluster, master), disk(&world, cluster, worker)), before);
    assert_eq!(machines(&world.record(cluster).await.nodes), were, "the same machines");
    world.assert_cloud_matches(cluster).await;
}

#[tokio::test]
async fn a_machine_that_was_removed_is_made_anew_on_its_disk() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, master, _) = complete(&world).await;
    let before = disk(&world, cluster, master);
    assert!(before.is_some());
    world.cloud.infra.take_away(cluster, master);
    world.success_of(world.scale(cluster, 2).await.uuid).await;
    assert_eq!(disk(&world, cluster, master), before);
    world.assert_cloud_matches(cluster).await;
}

#[tokio::test]
async fn the_only_copy_of_the_state_is_never_replaced_by_an_empty_disk_unless_that_is_asked_for() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, master, _) = complete(&world).await;
    world.cloud.infra.destroy(cluster, master);

    let failed = world.end_of(world.scale(cluster, 3).await.uuid).await;
    let cause = failed.cause.unwrap();
    assert_eq!((failed.status, cause.code.as_str()), (OperationStatus::Failed, "state_lost"));
    assert!(cause.message.contains("c-master-0") && cause.action.contains("--replace-data"), "{cause:?}");
    assert_eq!(world.status(cluster).await, Some(Status::UpdateFailed));
    assert_eq!(disk(&world, cluster, master), None, "nothing was made");
    let again = world.end_of(world.retry(cluster).await.uuid).await;
    assert_eq!(again.cause.unwrap().code, "state_lost", "asking again changes nothing");

    let replace = NewOperation { replace_data: true, ..new_operation(OperationKind::Create) };
    let replace = world.store.request_retry(ClusterId::assumed(cluster), replace).await.unwrap();
    assert_eq!((replace.kind, replace.replace_data), (OperationKind::Scale, true));
    world.success_of(replace.uuid).await;
    assert!(disk(&world, cluster, master).is_some());
    world.assert_cloud_matches(cluster).await;
}

#[tokio::test]
async fn a_worker_that_is_gone_with_its_disk_is_made_anew() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, _, worker) = complete(&world).await;
    let before = disk(&world, cluster, worker);
    world.cloud.infra.destroy(cluster, worker);
    world.success_of(world.scale(cluster, 2).await.uuid).await;
    assert!(disk(&world, cluster, worker) > before, "another disk");
    world.assert_cloud_matches(cluster).await;
}

#[tokio::test]
async fn a_machine_that_stops_while_its_node_comes_up_is_started_again_by_the_same_operation() {
    let settings = jeroboam_infra::simulated::Settings { agent_start: Duration::from_millis(1500), ..quick() };
    let world = World::new(settings).await;
    world.conductor("one");
    let (cluster, create) = world.create("c", 1, 2).await;
    until_running(&world, create.uuid, "node/c-worker-1").await;
    let victim = world.record(cluster).await.nodes.iter().find(|node| node.name == "c-worker-1").unwrap().uuid;
    world.cloud.infra.kill(cluster, victim);
    let created = world.success_of(create.uuid).await;
    let machine = created.steps.iter().find(|step| step.key == "machine/c-worker-1").unwrap();
    assert_eq!(machine.attempts, 2, "{created:#?}");
    world.assert_cloud_matches(cluster).await;
}

#[tokio::test]
async fn a_machine_that_stops_whenever_it_is_started_fails_the_operation_with_how_it_ended() {
    let settings = jeroboam_infra::simulated::Settings { agent_start: Duration::from_secs(3600), ..quick() };
    let world = World::new(settings).await;
    world.conductor("one");
    let (cluster, create) = world.create("c", 1, 0).await;
    let master = world.record(cluster).await.nodes[0].uuid;
    let mut killed = 0;
    let ended = loop {
        let now = world.operation(create.uuid).await;
        if now.status.is_final() {
            break now;
        }
        if now.steps.iter().any(|step| step.key == "node/c-master-0" && step.status == StepStatus::Running) {
            world.cloud.infra.kill(cluster, master);
            killed += 1;
        }
        let _ = tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>()).await;
    };
    assert!(killed > 0);
    let cause = ended.cause.unwrap();
    assert_eq!(cause.code, "machine_stopped");
    assert!(cause.message.contains("c-master-0") && cause.message.contains("137"), "{cause:?}");
}

#[tokio::test]
async fn the_deadline_ends_an_operation_that_waits_with_what_it_waited_for() {
    let settings = jeroboam_infra::simulated::Settings { agent_start: Duration::from_secs(3600), ..quick() };
    let world = World::new(settings).await;
    world.conductor("one");
    let (cluster, create) = world.create_within("c", 1, 1, Some(jiff::SignedDuration::from_secs(2))).await;
    let ended = world.end_of(create.uuid).await;
    let late = ended.finished_at.unwrap().duration_since(ended.deadline_at.unwrap());
    assert!(late < jiff::SignedDuration::from_secs(2), "{late}");
    let cause = ended.cause.unwrap();
    assert_eq!(cause.code, "deadline_passed");
    assert!(cause.message.contains("starting simulated"), "{cause:?}");
    let waited = ended.steps.iter().find(|step| step.key == "node/c-worker-0").unwrap();
    assert_eq!(waited.status, StepStatus::Failed);
    assert_eq!(waited.cause.as_ref().unwrap().code, "node_starting", "{waited:?}");
    assert_eq!(world.status(cluster).await, Some(Status::CreateFailed));
}

#[tokio::test]
async fn the_deadline_ends_an_operation_in_a_call_that_hangs() {
    let world = World::new(quick()).await;
    world.conductor("one");
    for call in ["observe", "ensure_network", "ensure_machine"] {
        world.cloud.infra.inject(Fault { call, nth: 0, kind: FaultKind::Hang });
        let (cluster, create) = world.create_within("c", 1, 1, Some(jiff::SignedDuration::from_secs(4))).await;
        let ended = world.end_of(create.uuid).await;
        let late = ended.finished_at.unwrap().duration_since(ended.deadline_at.unwrap());
        assert!(late < jiff::SignedDuration::from_secs(2), "{call}: {late}");
        assert_eq!(ended.cause.unwrap().code, "deadline_passed", "{call}");
        assert!(!world.cloud.infra.world().lock().unwrap().has_faults(), "{call}: the fault has struck");
        world.success_of(world.retry(cluster).await.uuid).await;
        world.success_of(world.delete(cluster).await.uuid).await;
    }
    world.assert_cloud_is_empty();
}

#[tokio::test]
async fn what_fails_for_good_ends_its_stage_though_something_else_would_go_on() {
    let world = World::new(quick()).await;
    world.conductor("one");
    world.cloud.infra.inject(Fault { call: "ensure_machine", nth: 0, kind: FaultKind::Hang });
    world.cloud.infra.inject(Fault { call: "ensure_machine", nth: 0, kind: FaultKind::Permanent });
    let (_, create) = world.create("c", 1, 1).await;
    let ended = world.end_of(create.uuid).await;
    assert_eq!(ended.cause.unwrap().code, "infrastructure_refused");
    let took = ended.finished_at.unwrap().duration_since(ended.started_at.unwrap());
    assert!(took < jiff::SignedDuration::from_secs(8), "{took}");
}

#[tokio::test]
async fn a_delete_that_had_not_begun_leaves_everything_as_it_was() {
    let world = World::new(quick()).await;
    let conductor = world.conductor("one");
    let (cluster, ..) = complete(&world).await;
    world.success_of(world.scale(cluster, 1).await.uuid).await;
    conductor.cancel();
    let before = world.record(cluster).await;
    let delete = world.delete(cluster).await;
    assert_eq!(world.status(cluster).await, Some(Status::DeleteInProgress));
    world.store.request_cancel(&Scope::All, delete.uuid).await.unwrap();
    let after = world.record(cluster).await;
    assert_eq!((after.cluster.status, after.cluster.status_reason), (Status::UpdateComplete, None));
    let statuses = |record: &jeroboam_store::ClusterRecord| record.groups.iter().map(|g| g.status).collect::<Vec<_>>();
    assert_eq!(statuses(&world.record(cluster).await), statuses(&before));
    world.conductor("two");
    world.success_of(world.scale(cluster, 2).await.uuid).await;
}

#[tokio::test]
async fn a_delete_that_is_cancelled_before_it_begins_after_a_failure_leaves_the_failure_to_be_retried() {
    let world = World::new(quick()).await;
    let conductor = world.conductor("one");
    let (cluster, ..) = complete(&world).await;
    world.cloud.infra.inject(Fault { call: "ensure_machine", nth: 0, kind: FaultKind::Permanent });
    let scale = world.scale(cluster, 3).await;
    assert_eq!(world.end_of(scale.uuid).await.status, OperationStatus::Failed);
    conductor.cancel();
    let delete = world.delete(cluster).await;
    world.store.request_cancel(&Scope::All, delete.uuid).await.unwrap();
    assert_eq!(world.status(cluster).await, Some(Status::UpdateFailed));
    let retry = world.retry(cluster).await;
    assert_eq!((retry.kind, retry.retry_of), (OperationKind::Scale, Some(scale.uuid)));
    world.conductor("two");
    world.success_of(retry.uuid).await;
    assert_eq!(world.record(cluster).await.nodes.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_creates_hold_up_nobody_elses_delete() {
    let settings = jeroboam_infra::simulated::Settings { agent_start: Duration::from_secs(3600), ..quick() };
    let world = World::new(settings).await;
    world.conductor_with(jeroboam_conductor::Settings { owner: "one".into(), ..Default::default() });
    let (small, create) = world.create("small", 1, 0).await;
    until_running(&world, create.uuid, "node/small-master-0").await;
    let mut endless = Vec::new();
    for number in 0..500 {
        endless.push(world.create(&format!("c{number}"), 1, 0).await.1.uuid);
    }
    until_running(&world, *endless.last().unwrap(), "node/c499-master-0").await;
    let delete = world.delete(small).await;
    let deleted = world.success_of(delete.uuid).await;
    let took = deleted.finished_at.unwrap().duration_since(deleted.created_at);
    assert!(took < jiff::SignedDuration::from_secs(5), "{took}");
    let waits = world.store.operation(&Scope::All, endless[0]).await.unwrap();
    assert_eq!(waits.status, OperationStatus::Running);
}
