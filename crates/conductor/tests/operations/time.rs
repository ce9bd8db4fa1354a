//! Deadlines, back-off and patience, on a paused clock.

use std::time::Duration;

use jeroboam_infra::simulated::{Fault, FaultKind};
use jeroboam_model::Status;
use jeroboam_types::operation::OperationStatus;
use jiff::SignedDuration;

use crate::world::{World, quick};

// Covers: W048.
#[tokio::test]
async fn a_creation_that_never_gets_there_ends_at_its_deadline_and_says_what_held_it_up() {
    let mut settings = quick();
    settings.fault_rate = 1.0;
    let world = World::new(settings).await;
    world.fast_time();
    world.conductor("one");
    let (cluster, create) = world.create_within("c", 1, 1, Some(SignedDuration::from_secs(40))).await;
    let ended = world.end_of(create.uuid).await;
    assert_eq!(ended.status, OperationStatus::Failed);
    let cause = ended.cause.unwrap();
    assert_eq!(cause.code, "deadline_passed");
    assert!(cause.message.contains("does not answer"), "{cause:?}");
    assert_eq!(world.status(cluster).await, Some(Status::CreateFailed));
}

#[tokio::test]
async fn an_outage_blocks_with_its_cause_and_the_operation_goes_on_when_it_is_over() {
    let world = World::new(quick()).await;
    world.fast_time();
    for _ in 0..6 {
        world.cloud.infra.inject(Fault { call: "ensure_network", nth: 0, kind: FaultKind::Passing });
    }
    world.conductor("one");
    let (_, create) = world.create("c", 1, 1).await;
    let mut events = world.store.subscribe();
    loop {
        let now = world.operation(create.uuid).await;
        if now.status == OperationStatus::Blocked {
            assert_eq!(now.cause.unwrap().code, "infrastructure_unavailable");
            break;
        }
        let _ = tokio::time::timeout(Duration::from_millis(50), events.recv()).await;
    }
    let ended = world.success_of(create.uuid).await;
    let network = ended.steps.iter().find(|step| step.key == "network").unwrap();
    assert_eq!(network.attempts, 7, "six failures, then success");
    assert_eq!(network.cause, None, "what has passed is not shown any more");
}

#[tokio::test]
async fn simulated_agents_are_heard_as_long_as_their_machines_run() {
    let world = World::new(quick()).await;
    world.fast_time();
    let conductor = world.conductor("one");
    let (cluster, create) = world.create("c", 1, 1).await;
    world.success_of(create.uuid).await;
    // Machines that stop are not restarted.
    conductor.cancel();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let nodes = world.record(cluster).await.nodes;
    assert!(nodes.iter().all(|node| !node.is_silent(world.clock.now())), "{nodes:?}");
    assert!(world.cloud.infra.kill(cluster, nodes[0].uuid));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let silent = world.record(cluster).await.nodes.into_iter().map(|node| node.is_silent(world.clock.now()));
    assert_eq!(silent.collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn what_the_infrastructure_reports_stands_in_the_step_and_in_the_cause_when_time_is_over() {
    let world = World::new(quick()).await;
    world.fast_time();
    world.cloud.infra.inject(Fault { call: "ensure_network", nth: 0, kind: FaultKind::Hang });
    world.conductor("one");
    let (_, create) = world.create_within("c", 1, 1, Some(SignedDuration::from_secs(40))).await;
    let report = "creating the simulated network";
    let mut events = world.store.subscribe();
    let mut told = None;
    while told.as_deref() != Some(report) {
        let now = world.operation(create.uuid).await;
        assert_eq!(now.finished_at, None, "{:?} of {now:?}", told);
        told = now.steps.into_iter().find(|step| step.key == "network").and_then(|step| step.progress);
        let _ = tokio::time::timeout(Duration::from_millis(50), events.recv()).await;
    }
    let cause = world.end_of(create.uuid).await.cause.unwrap();
    assert_eq!(cause.code, "deadline_passed");
    assert!(cause.message.contains(&format!("({report})")), "{cause:?}");
}

#[tokio::test]
async fn a_retry_gives_a_node_whose_agent_never_called_another_machine() {
    let world = World::new(quick()).await;
    world.fast_time();
    let stillborn = |is| world.cloud.infra.world().lock().unwrap().stillborn = is;
    let machines = async |cluster| -> Vec<Option<String>> {
        world.record(cluster).await.nodes.into_iter().map(|node| node.machine_id).collect()
    };
    stillborn(true);
    world.conductor("one");
    let (cluster, create) = world.create_within("c", 1, 1, Some(SignedDuration::from_secs(40))).await;
    assert_eq!(world.end_of(create.uuid).await.status, OperationStatus::Failed);
    let before = machines(cluster).await;
    assert!(before.iter().all(Option::is_some), "{before:?}");
    stillborn(false);
    let retry = world.retry(cluster).await;
    world.success_of(retry.uuid).await;
    let after = machines(cluster).await;
    assert!(after.iter().all(|machine| machine.is_some() && !before.contains(machine)), "{before:?}, {after:?}");
}
