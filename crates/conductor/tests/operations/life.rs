//! Creating, changing and deleting clusters.

use std::collections::BTreeMap;

use jeroboam_model::{EngineKind, OperationKind, Status};
use jeroboam_pki::Authority;
use jeroboam_store::{ClusterId, NewAuthority, Scope, Secret, StoreError, secret};
use jeroboam_types::operation::{OperationStatus, StepStatus};
use jiff::Timestamp;

use crate::world::{World, new_operation, quick};

#[tokio::test]
async fn a_cluster_is_created_scaled_both_ways_and_deleted_to_nothing() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, create) = world.create("c", 1, 2).await;
    assert_eq!(world.status(cluster).await, Some(Status::CreateInProgress));

    let created = world.success_of(create.uuid).await;
    assert!(created.steps.iter().all(|step| step.status == StepStatus::Done), "{created:#?}");
    assert!(created.steps.iter().all(|step| step.attempts <= 1 && step.finished_at >= step.started_at), "{created:#?}");
    let record = world.record(cluster).await;
    assert_eq!(record.cluster.status, Status::CreateComplete);
    assert!(record.cluster.api_address.is_some() && record.cluster.coe_version.is_some());
    world.assert_cloud_matches(cluster).await;

    let grow = world.scale(cluster, 4).await;
    assert_eq!(world.status(cluster).await, Some(Status::UpdateInProgress));
    world.success_of(grow.uuid).await;
    assert_eq!(world.record(cluster).await.nodes.len(), 5);
    world.assert_cloud_matches(cluster).await;

    let shrink = world.success_of(world.scale(cluster, 1).await.uuid).await;
    let keys: Vec<&str> = shrink.steps.iter().map(|step| step.key.as_str()).collect();
    assert!(keys.contains(&"drain/c-worker-3") && keys.contains(&"forget/c-worker-1"), "{keys:?}");
    assert_eq!(world.record(cluster).await.nodes.len(), 2);
    assert_eq!(world.status(cluster).await, Some(Status::UpdateComplete));
    world.assert_cloud_matches(cluster).await;

    let delete = world.delete(cluster).await;
    assert_eq!(world.status(cluster).await, Some(Status::DeleteInProgress));
    world.success_of(delete.uuid).await;
    assert_eq!(world.status(cluster).await, None);
    world.assert_cloud_is_empty();
    assert!(world.store.secrets(ClusterId::assumed(cluster)).await.unwrap().is_empty());
    // Its history stays.
    let scope = Scope::Project("demo".into());
    let history = world.store.operations(&scope, Some(&cluster.to_string()), &Default::default()).await.unwrap();
    assert_eq!(history.len(), 4);
}

#[tokio::test]
async fn what_was_asked_of_a_cluster_of_an_older_release_fails_unless_it_deletes() {
    let world = World::new(quick()).await;
    let (cluster, create) = world.create("c", 1, 1).await;
    world.age(cluster).await;
    world.conductor("one");
    let failed = world.end_of(create.uuid).await;
    let cause = failed.cause.unwrap();
    assert_eq!((failed.status, cause.code.as_str()), (OperationStatus::Failed, "kubernetes_too_old"));
    assert!(cause.message.contains("v1.20.2") && cause.action.contains("delete"), "{cause:?}");
    assert_eq!(world.status(cluster).await, Some(Status::CreateFailed));
    world.assert_cloud_is_empty();

    world.success_of(world.delete(cluster).await.uuid).await;
    assert_eq!(world.status(cluster).await, None);
}

#[tokio::test]
async fn a_living_cluster_of_an_older_release_is_deleted_to_nothing() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, create) = world.create("c", 1, 2).await;
    world.success_of(create.uuid).await;
    world.age(cluster).await;
    let failed = world.end_of(world.scale(cluster, 3).await.uuid).await;
    assert_eq!(failed.cause.unwrap().code, "kubernetes_too_old");
    world.success_of(world.delete(cluster).await.uuid).await;
    world.assert_cloud_is_empty();
}

#[tokio::test]
async fn deleting_while_creating_ends_the_creation_and_leaves_nothing() {
    let mut settings = quick();
    // The create waits for its agents forever.
    settings.agent_start = std::time::Duration::from_secs(3600);
    let world = World::new(settings).await;
    world.conductor("one");
    let (cluster, create) = world.create("c", 1, 2).await;
    let waits = |operation: &jeroboam_types::operation::Operation| {
        operation.steps.iter().any(|step| step.key.starts_with("node/") && step.status == StepStatus::Running)
    };
    let mut events = world.store.subscribe();
    while !waits(&world.operation(create.uuid).await) {
        let _ = tokio::time::timeout(std::time::Duration::from_millis(50), events.recv()).await;
    }
    let delete = world.delete(cluster).await;
    let again = world.delete(cluster).await;
    assert_eq!(delete.uuid, again.uuid, "asking twice deletes once");
    assert_eq!(world.end_of(create.uuid).await.status, OperationStatus::Cancelled);
    world.success_of(delete.uuid).await;
    world.assert_cloud_is_empty();
}

#[tokio::test]
async fn scaling_during_creation_is_refused_with_the_reason_and_changes_nothing() {
    let world = World::new(quick()).await;
    let (cluster, create) = world.create("c", 1, 2).await;
    let record = world.record(cluster).await;
    let group = record.groups[1].uuid;
    let refused = world
        .store
        .request_scale(ClusterId::assumed(cluster), group, 5, &[], new_operation(jeroboam_model::OperationKind::Scale))
        .await
        .unwrap_err();
    assert!(matches!(refused, StoreError::NotAllowed { status: Status::CreateInProgress, .. }), "{refused:?}");
    assert_eq!(world.record(cluster).await.nodes.len(), 3);
    world.conductor("one");
    world.success_of(create.uuid).await;
}

#[tokio::test]
async fn two_scales_in_a_row_both_happen_in_order() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, create) = world.create("c", 1, 1).await;
    world.success_of(create.uuid).await;
    let first = world.scale(cluster, 3).await;
    let second = world.scale(cluster, 2).await;
    let (first, second) = (world.success_of(first.uuid).await, world.success_of(second.uuid).await);
    assert!(first.finished_at <= second.started_at);
    assert_eq!(world.record(cluster).await.nodes.len(), 3);
    world.assert_cloud_matches(cluster).await;
}

#[tokio::test]
async fn a_cancelled_creation_can_be_retried() {
    let mut settings = quick();
    settings.agent_start = std::time::Duration::from_millis(400);
    let world = World::new(settings).await;
    world.conductor("one");
    let (cluster, create) = world.create("c", 1, 1).await;
    world.store.request_cancel(&Scope::All, create.uuid).await.unwrap();
    assert_eq!(world.end_of(create.uuid).await.status, OperationStatus::Cancelled);
    assert_eq!(world.status(cluster).await, Some(Status::CreateFailed));
    let retry = world.retry(cluster).await;
    world.success_of(retry.uuid).await;
    assert_eq!(world.status(cluster).await, Some(Status::CreateComplete));
}

#[tokio::test]
async fn many_clusters_at_once_on_a_shaky_cloud_all_come_and_go() {
    let mut settings = quick();
    settings.fault_rate = 0.05;
    let world = World::new(settings).await;
    world.conductor("one");
    world.conductor("two");
    let mut clusters = Vec::new();
    for number in 0..25 {
        clusters.push(world.create(&format!("c{number}"), 1, 2).await);
    }
    for (_, create) in &clusters {
        world.success_of(create.uuid).await;
    }
    let mut deletes = Vec::new();
    for (cluster, _) in &clusters {
        deletes.push(world.delete(*cluster).await);
    }
    for delete in deletes {
        world.success_of(delete.uuid).await;
    }
    world.assert_cloud_is_empty();
}

#[tokio::test]
async fn what_comes_late_of_a_deleted_cluster_is_swept_away_and_what_nobody_knows_is_left_alone() {
    let world = World::new(quick()).await;
    let conductor = world.conductor("one");
    let (cluster, create) = world.create("c", 1, 1).await;
    world.success_of(create.uuid).await;
    world.success_of(world.delete(cluster).await.uuid).await;
    conductor.cancel();
    // A call that took effect late, and a cluster in use of another database.
    world.cloud.infra.add_stray(cluster, "late");
    world.cloud.infra.add_stray(uuid::Uuid::new_v4(), "somebody's");
    let size = || world.cloud.infra.world().lock().unwrap().size().1;
    assert_eq!(size(), 2);
    world.conductor("two");
    let mut looks = 0;
    while size() != 1 {
        assert!(looks < 1000, "it is still there");
        looks += 1;
        let _ = tokio::time::timeout(std::time::Duration::from_millis(10), std::future::pending::<()>()).await;
    }
    let swept = |calls: &[&str]| calls.iter().filter(|call| **call == "clusters").count();
    let before = swept(&world.cloud.infra.world().lock().unwrap().calls);
    world.conductor("three");
    while swept(&world.cloud.infra.world().lock().unwrap().calls) == before {
        let _ = tokio::time::timeout(std::time::Duration::from_millis(10), std::future::pending::<()>()).await;
    }
    world.success_of(world.create("d", 1, 0).await.1.uuid).await;
    assert!(world.cloud.infra.world().lock().unwrap().calls.contains(&"clusters"));
    assert_eq!(size(), 2, "the other cluster's, and the new one's");
}

// Covers: R197.
#[tokio::test]
async fn a_long_name_is_no_obstacle() {
    let world = World::new(quick()).await;
    world.conductor("one");
    for length in [65, 242] {
        let (cluster, create) = world.create(&"a".repeat(length), 1, 1).await;
        world.success_of(create.uuid).await;
        assert_eq!(world.status(cluster).await, Some(Status::CreateComplete), "{length}");
    }
}

#[tokio::test]
async fn the_address_of_the_api_has_the_templates_port_whatever_the_engine() {
    for (engine, port, expected) in [
        (EngineKind::KUBERNETES, None, ":6443"),
        (EngineKind::KUBERNETES, Some(8443), ":8443"),
        (EngineKind::SWARM, None, ":2376"),
        (EngineKind::SWARM, Some(2400), ":2400"),
    ] {
        let world = World::of(quick(), engine, port).await;
        world.conductor("one");
        let (cluster, create) = world.create("c", 1, 0).await;
        world.success_of(create.uuid).await;
        let address = world.record(cluster).await.cluster.api_address.unwrap();
        assert!(address.ends_with(expected), "{engine} {port:?}: {address}");
    }
}

#[tokio::test]
async fn new_authorities_are_an_operation_like_others() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, create) = world.create("c", 1, 1).await;
    world.success_of(create.uuid).await;
    let before = world.store.secrets(ClusterId::assumed(cluster)).await.unwrap();
    let authorities: Vec<NewAuthority> = EngineKind::KUBERNETES
        .authorities
        .iter()
        .map(|name| {
            let made = Authority::of_cluster("c", name, Timestamp::now()).unwrap();
            NewAuthority { name, certificate: made.certificate_pem().to_owned(), key: made.key_pem() }
        })
        .collect();
    let rotation = world
        .store
        .request_ca_rotation(ClusterId::assumed(cluster), &authorities, new_operation(OperationKind::RotateCa))
        .await
        .unwrap();
    assert_eq!(world.status(cluster).await, Some(Status::UpdateInProgress));
    let again = world
        .store
        .request_ca_rotation(ClusterId::assumed(cluster), &authorities, new_operation(OperationKind::RotateCa))
        .await;
    assert!(matches!(again, Err(StoreError::NotAllowed { .. })), "{again:?}");
    world.success_of(rotation.uuid).await;
    assert_eq!(world.status(cluster).await, Some(Status::UpdateComplete));
    let after = world.store.secrets(ClusterId::assumed(cluster)).await.unwrap();
    assert!(secret::generation(&after) > secret::generation(&before));
    assert_eq!(
        secret::generation(&after),
        world.store.authorities_generation(ClusterId::assumed(cluster)).await.unwrap()
    );
    let certificate = |secrets: &BTreeMap<String, Secret>, name: &str| secrets[name].certificate.clone();
    for authority in &authorities {
        assert_eq!(certificate(&after, authority.name).as_deref(), Some(authority.certificate.as_str()));
    }
    assert_eq!(certificate(&after, "service-account"), certificate(&before, "service-account"));
}
