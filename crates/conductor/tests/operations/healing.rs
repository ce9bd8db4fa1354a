//! Clusters heal automatically, and the rules that keep healing from making an outage worse.

use std::time::Duration;

use jeroboam_infra::simulated::{Fault, FaultKind};
use jeroboam_model::{Health, NodeRole, Status};
use jeroboam_store::{ClusterId, HEALER, Page, Scope};
use jeroboam_types::operation::{Operation, OperationKind, OperationStatus, StepStatus};
use uuid::Uuid;

use crate::world::{World, new_operation, quick};

/// The newest operation of the cluster.
async fn newest(world: &World, cluster: Uuid) -> Operation {
    let page = Page { limit: 1, ..Page::default() };
    let found = world.store.operations(&Scope::All, Some(&cluster.to_string()), &page).await.unwrap();
    found.into_iter().next().unwrap()
}

/// The next repair that starts after `before`.
async fn repair_after(world: &World, cluster: Uuid, before: Uuid) -> Operation {
    let mut events = world.store.subscribe();
    loop {
        let now = newest(world, cluster).await;
        if now.uuid != before && now.kind == OperationKind::Repair {
            return now;
        }
        let _ = tokio::time::timeout(Duration::from_millis(100), events.recv()).await;
    }
}

async fn until_health(world: &World, cluster: Uuid, health: Health) {
    let mut events = world.store.subscribe();
    while world.record(cluster).await.cluster.health != Some(health) {
        let _ = tokio::time::timeout(Duration::from_millis(50), events.recv()).await;
    }
}

async fn complete(world: &World, masters: u32, workers: u32) -> (Uuid, Operation) {
    let (cluster, create) = world.create("c", masters, workers).await;
    world.success_of(create.uuid).await;
    (cluster, create)
}

/// Another cluster loses a worker and is repaired: by then a cluster that lost a worker earlier would be as well.
async fn another_is_repaired(world: &World, other: (Uuid, Operation)) {
    let (cluster, create) = other;
    let worker = node(world, cluster, NodeRole::Worker).await;
    world.cloud.infra.kill(cluster, worker);
    let repair = repair_after(world, cluster, create.uuid).await;
    world.success_of(repair.uuid).await;
}

async fn node(world: &World, cluster: Uuid, role: NodeRole) -> Uuid {
    world.record(cluster).await.nodes.iter().find(|node| node.role == role).unwrap().uuid
}

#[tokio::test]
async fn a_machine_that_stopped_is_said_at_once_and_started_again_and_the_status_stays() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, create) = complete(&world, 1, 2).await;
    until_health(&world, cluster, Health::Healthy).await;
    let worker = node(&world, cluster, NodeRole::Worker).await;
    world.cloud.infra.kill(cluster, worker);

    until_health(&world, cluster, Health::Unhealthy).await;
    let reason = world.record(cluster).await.cluster.health_reason;
    assert!(reason.values().any(|why| why.contains("has stopped")), "{reason:?}");
    let repair = repair_after(&world, cluster, create.uuid).await;
    assert_eq!(repair.user_id, HEALER);
    assert_eq!(world.status(cluster).await, Some(Status::CreateComplete), "while it is repaired");
    let repair = world.success_of(repair.uuid).await;
    assert!(repair.steps.iter().any(|step| step.key.starts_with("machine/") && step.status == StepStatus::Done));
    assert_eq!(world.status(cluster).await, Some(Status::CreateComplete));
    until_health(&world, cluster, Health::Healthy).await;
    world.assert_cloud_matches(cluster).await;
}

#[tokio::test]
async fn a_machine_that_is_gone_with_its_disk_comes_back_unless_it_had_the_state() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, create) = complete(&world, 1, 1).await;
    let worker = node(&world, cluster, NodeRole::Worker).await;
    world.cloud.infra.destroy(cluster, worker);
    let repair = repair_after(&world, cluster, create.uuid).await;
    world.success_of(repair.uuid).await;
    world.assert_cloud_matches(cluster).await;

    let master = node(&world, cluster, NodeRole::Master).await;
    until_health(&world, cluster, Health::Healthy).await;
    world.cloud.infra.destroy(cluster, master);
    until_health(&world, cluster, Health::Unhealthy).await;
    let asked =
        world.store.request_repair(ClusterId::assumed(cluster), new_operation(OperationKind::Repair)).await.unwrap();
    let ended = world.end_of(asked.uuid).await;
    assert_eq!(ended.cause.unwrap().code, "state_lost");
    assert_eq!(newest(&world, cluster).await.uuid, asked.uuid, "nobody else has tried");
    assert_eq!(world.status(cluster).await, Some(Status::CreateComplete));

    let with_data_lost = jeroboam_store::NewOperation { replace_data: true, ..new_operation(OperationKind::Repair) };
    let asked = world.store.request_repair(ClusterId::assumed(cluster), with_data_lost).await.unwrap();
    world.success_of(asked.uuid).await;
    world.assert_cloud_matches(cluster).await;
}

#[tokio::test]
async fn a_machine_that_hangs_is_restarted() {
    let world = World::new(quick()).await;
    world.fast_time();
    world.conductor("one");
    let (cluster, create) = complete(&world, 1, 1).await;
    let worker = node(&world, cluster, NodeRole::Worker).await;
    world.cloud.infra.hang(cluster, worker);
    // Nothing reports it: the periodic check of all clusters finds it.
    world.conductor_with(jeroboam_conductor::Settings {
        owner: "two".into(),
        health_interval: Duration::from_secs(10),
        ..jeroboam_conductor::Settings::default()
    });
    let repair = repair_after(&world, cluster, create.uuid).await;
    let repair = world.success_of(repair.uuid).await;
    assert!(repair.steps.iter().any(|step| step.key.starts_with("restart-machine/")), "{repair:#?}");
    world.assert_cloud_matches(cluster).await;
}

#[tokio::test]
async fn nothing_is_repaired_of_a_cluster_that_is_paused_until_it_is_resumed_or_somebody_asks() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let other = complete(&world, 1, 1).await;
    let (cluster, create) = complete(&world, 1, 1).await;
    let worker = node(&world, cluster, NodeRole::Worker).await;
    world.store.set_paused(ClusterId::assumed(cluster), true).await.unwrap();
    world.cloud.infra.kill(cluster, worker);
    until_health(&world, cluster, Health::Unhealthy).await;
    another_is_repaired(&world, other).await;
    assert_eq!(newest(&world, cluster).await.uuid, create.uuid);
    let asked =
        world.store.request_repair(ClusterId::assumed(cluster), new_operation(OperationKind::Repair)).await.unwrap();
    world.success_of(asked.uuid).await;

    world.cloud.infra.kill(cluster, worker);
    until_health(&world, cluster, Health::Unhealthy).await;
    world.store.set_paused(ClusterId::assumed(cluster), false).await.unwrap();
    let repair = repair_after(&world, cluster, asked.uuid).await;
    world.success_of(repair.uuid).await;
}

#[tokio::test]
async fn a_label_switches_healing_off() {
    let mut world = World::new(quick()).await;
    world.conductor("one");
    let other = complete(&world, 1, 1).await;
    let before = world.template.clone();
    world.template.labels = [("auto_healing_enabled".to_owned(), "false".to_owned())].into();
    world.store.update_template(&before, &world.template, true).await.unwrap();
    world.template = world.store.template(&Scope::All, &world.template.uuid.to_string()).await.unwrap();
    let (cluster, create) = complete(&world, 1, 1).await;
    let worker = node(&world, cluster, NodeRole::Worker).await;
    world.cloud.infra.kill(cluster, worker);
    until_health(&world, cluster, Health::Unhealthy).await;
    another_is_repaired(&world, other).await;
    assert_eq!(newest(&world, cluster).await.uuid, create.uuid);
}

#[tokio::test]
async fn a_repair_makes_way_for_what_a_user_asks_for_and_that_repairs_too() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, create) = complete(&world, 1, 2).await;
    let worker = node(&world, cluster, NodeRole::Worker).await;
    // The repair would never finish.
    world.cloud.infra.inject(Fault { call: "ensure_machine", nth: 0, kind: FaultKind::Hang });
    world.cloud.infra.kill(cluster, worker);
    let repair = repair_after(&world, cluster, create.uuid).await;
    let mut events = world.store.subscribe();
    while world.cloud.infra.world().lock().unwrap().has_faults() {
        let _ = tokio::time::timeout(Duration::from_millis(20), events.recv()).await;
    }
    let scale = world.scale(cluster, 3).await;
    world.success_of(scale.uuid).await;
    let repair = world.end_of(repair.uuid).await;
    assert_eq!((repair.status, repair.cause.unwrap().code.as_str()), (OperationStatus::Cancelled, "repair_made_way"));
    assert_eq!(world.status(cluster).await, Some(Status::UpdateComplete));
    world.assert_cloud_matches(cluster).await;
}

#[tokio::test]
async fn a_machine_that_cannot_be_started_keeps_no_other_down() {
    let world = World::new(quick()).await;
    let stop = world.conductor("one");
    let (cluster, create) = complete(&world, 1, 2).await;
    stop.cancel();
    let workers: Vec<Uuid> = {
        let nodes = world.record(cluster).await.nodes;
        nodes.iter().filter(|node| node.role == NodeRole::Worker).map(|node| node.uuid).collect()
    };
    for worker in &workers {
        world.cloud.infra.kill(cluster, *worker);
    }
    let refusal = Fault { call: "ensure_machine", nth: 0, kind: FaultKind::Permanent };
    world.cloud.infra.inject(refusal);
    world.conductor("two");
    let repair = world.end_of(repair_after(&world, cluster, create.uuid).await.uuid).await;
    assert!(!world.cloud.infra.world().lock().unwrap().has_faults(), "the fault has struck");
    assert_eq!(repair.status, OperationStatus::Failed);
    let step = |status| repair.steps.iter().find(|step| step.key.starts_with("machine/") && step.status == status);
    let failed = step(StepStatus::Failed).expect("one machine was refused");
    assert_eq!(repair.cause.as_ref().map(|cause| &cause.code), failed.cause.as_ref().map(|cause| &cause.code));
    let started = step(StepStatus::Done).expect("the other one was started").key.replace("machine/", "ready/");
    let ready = repair.steps.iter().find(|step| step.key == started).expect("and waited for");
    assert_eq!(ready.status, StepStatus::Done);

    let next = world.success_of(repair_after(&world, cluster, repair.uuid).await.uuid).await;
    assert_eq!(next.user_id, HEALER);
    world.assert_cloud_matches(cluster).await;
}
