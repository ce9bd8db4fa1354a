//! Every call of every operation fails, is repeated, and is interrupted.

use jeroboam_infra::simulated::{Fault, FaultKind};
use jeroboam_model::Status;
use jeroboam_types::operation::OperationStatus;
use uuid::Uuid;

use crate::world::{World, quick};

/// Calls of a create with one master and one worker, and the least number of each.
const CREATE_CALLS: [(&str, usize); 5] =
    [("observe", 5), ("ensure_network", 1), ("ensure_machine", 2), ("configure", 1), ("nodes", 1)];
/// Calls of a scale down from two workers to one.
const SCALE_CALLS: [(&str, usize); 4] = [("observe", 3), ("drain", 1), ("remove_machine", 1), ("forget", 1)];
/// Calls of a delete.
const DELETE_CALLS: [(&str, usize); 3] = [("observe", 3), ("remove_machine", 2), ("remove_network", 1)];

fn each(calls: &[(&'static str, usize)]) -> Vec<(&'static str, usize)> {
    calls.iter().flat_map(|(call, times)| (0..*times).map(|nth| (*call, nth))).collect()
}

/// A cluster of one master and two workers that is complete.
async fn complete(world: &World) -> Uuid {
    let (cluster, create) = world.create("c", 1, 2).await;
    world.success_of(create.uuid).await;
    cluster
}

#[tokio::test]
async fn a_passing_fault_or_a_lost_answer_anywhere_in_a_creation_changes_nothing() {
    let world = World::new(quick()).await;
    world.conductor("one");
    for kind in [FaultKind::Passing, FaultKind::AnswerLost] {
        for (call, nth) in each(&CREATE_CALLS) {
            world.cloud.infra.inject(Fault { call, nth, kind });
            let (cluster, create) = world.create("c", 1, 1).await;
            world.success_of(create.uuid).await;
            world.assert_cloud_matches(cluster).await;
            let delete = world.delete(cluster).await;
            world.success_of(delete.uuid).await;
            world.assert_cloud_is_empty();
        }
    }
}

#[tokio::test]
async fn a_passing_fault_or_a_lost_answer_anywhere_in_a_deletion_leaves_nothing() {
    let world = World::new(quick()).await;
    world.conductor("one");
    for kind in [FaultKind::Passing, FaultKind::AnswerLost] {
        for (call, nth) in each(&DELETE_CALLS) {
            let cluster = complete(&world).await;
            world.cloud.infra.inject(Fault { call, nth, kind });
            let delete = world.delete(cluster).await;
            world.success_of(delete.uuid).await;
            world.assert_cloud_is_empty();
        }
    }
}

#[tokio::test]
async fn a_passing_fault_or_a_lost_answer_anywhere_in_a_scale_changes_nothing() {
    let world = World::new(quick()).await;
    world.conductor("one");
    for kind in [FaultKind::Passing, FaultKind::AnswerLost] {
        for (call, nth) in each(&SCALE_CALLS) {
            let cluster = complete(&world).await;
            world.cloud.infra.inject(Fault { call, nth, kind });
            let scale = world.scale(cluster, 1).await;
            world.success_of(scale.uuid).await;
            world.assert_cloud_matches(cluster).await;
            let delete = world.delete(cluster).await;
            world.success_of(delete.uuid).await;
        }
    }
}

#[tokio::test]
async fn a_permanent_fault_fails_the_creation_with_its_cause_and_retry_completes_it() {
    let world = World::new(quick()).await;
    world.conductor("one");
    // A failure to list the engine's nodes is tolerated. Whether waiting for agents takes a round of its own depends on
    // how fast they are.
    let certain = |(call, nth): &(&str, usize)| *call != "nodes" && (*call, *nth) != ("observe", 4);
    for (call, nth) in each(&CREATE_CALLS).into_iter().filter(certain) {
        world.cloud.infra.inject(Fault { call, nth, kind: FaultKind::Permanent });
        let (cluster, create) = world.create("c", 1, 1).await;
        let failed = world.end_of(create.uuid).await;
        assert_eq!(failed.status, OperationStatus::Failed, "{call} {nth}");
        let cause = failed.cause.expect("a failed operation says why");
        assert_eq!(cause.detail, Some(format!("simulated fault in {call}")));
        let record = world.record(cluster).await;
        assert_eq!(record.cluster.status, Status::CreateFailed);
        assert!(record.cluster.status_reason.unwrap().contains("refuses"));

        let retry = world.retry(cluster).await;
        assert_eq!(world.status(cluster).await, Some(Status::CreateInProgress));
        world.success_of(retry.uuid).await;
        world.assert_cloud_matches(cluster).await;
        let delete = world.delete(cluster).await;
        world.success_of(delete.uuid).await;
        world.assert_cloud_is_empty();
    }
}

#[tokio::test]
async fn a_failed_deletion_can_be_retried_and_asked_for_again() {
    let world = World::new(quick()).await;
    world.conductor("one");
    for (call, nth) in each(&DELETE_CALLS) {
        let cluster = complete(&world).await;
        world.cloud.infra.inject(Fault { call, nth, kind: FaultKind::Permanent });
        let delete = world.delete(cluster).await;
        assert_eq!(world.end_of(delete.uuid).await.status, OperationStatus::Failed, "{call} {nth}");
        assert_eq!(world.status(cluster).await, Some(Status::DeleteFailed));
        let again = if nth == 0 { world.retry(cluster).await } else { world.delete(cluster).await };
        world.success_of(again.uuid).await;
        world.assert_cloud_is_empty();
    }
}

#[tokio::test]
async fn a_conductor_cut_off_in_any_call_is_followed_by_one_that_goes_on() {
    let world = World::new(quick()).await;
    for (call, nth) in each(&CREATE_CALLS).into_iter().chain([("remove_machine", 0), ("remove_network", 0)]) {
        if ["configure", "nodes"].contains(&call) {
            // The simulated engine answers at once: a call to it cannot be interrupted.
            continue;
        }
        world.cloud.infra.inject(Fault { call, nth, kind: FaultKind::Hang });
        let first = world.mortal_conductor("first");
        let (cluster, create) = world.create("c", 1, 1).await;
        if call.starts_with("remove") {
            world.success_of(create.uuid).await;
        }
        let operation = if call.starts_with("remove") { world.delete(cluster).await } else { create };
        // Wait until it hangs: the fault has struck and nothing else happens.
        let mut events = world.store.subscribe();
        while tokio::time::timeout(std::time::Duration::from_millis(120), events.recv()).await.is_ok() {}
        first.kill();
        // An agent that was faster than the conductor saves it a call: then this fault has not struck.
        world.cloud.infra.forget_faults();
        let second = world.mortal_conductor("second");
        world.success_of(operation.uuid).await;
        if !call.starts_with("remove") {
            world.assert_cloud_matches(cluster).await;
            let delete = world.delete(cluster).await;
            world.success_of(delete.uuid).await;
        }
        world.assert_cloud_is_empty();
        second.kill();
    }
}

// Covers: R352.
#[tokio::test]
async fn a_conductor_cut_off_at_any_moment_is_followed_by_one_that_goes_on() {
    let world = World::new(quick()).await;
    for moment in 0..12 {
        let mut events = world.store.subscribe();
        let (cluster, create) = world.create("c", 1, 2).await;
        let first = world.mortal_conductor("first");
        world.events_pass(&mut events, moment).await;
        first.kill();
        let second = world.mortal_conductor("second");
        world.success_of(create.uuid).await;
        world.assert_cloud_matches(cluster).await;
        let delete = world.delete(cluster).await;
        world.events_pass(&mut events, moment / 2).await;
        second.kill();
        let third = world.mortal_conductor("third");
        world.success_of(delete.uuid).await;
        world.assert_cloud_is_empty();
        third.kill();
    }
}

#[tokio::test]
async fn machines_that_belong_to_nobody_are_removed() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let cluster = complete(&world).await;
    world.cloud.infra.add_stray(cluster, "leftover");
    let scale = world.scale(cluster, 3).await;
    world.success_of(scale.uuid).await;
    world.assert_cloud_matches(cluster).await;
}
