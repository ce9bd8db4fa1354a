//! Node groups that are added to a cluster after its creation.

use jeroboam_model::{NodeGroup, NodeRole, Status};
use jeroboam_store::ClusterId;
use jeroboam_types::operation::OperationKind;
use jiff::Timestamp;
use uuid::Uuid;

use crate::world::{World, new_operation, quick};

/// Requests a group of two nodes with a flavor and an image of its own.
async fn add(world: &World, cluster: Uuid) -> (NodeGroup, Uuid) {
    let record = world.record(cluster).await;
    let group = NodeGroup {
        node_count: 2,
        flavor_id: Some("m1.large".into()),
        image_id: "own-image".into(),
        ..NodeGroup::of(&record.cluster, &world.template, "gpu", Timestamp::now())
    };
    let operation = world
        .store
        .request_node_group(ClusterId::assumed(group.cluster), &group, new_operation(OperationKind::Update))
        .await
        .unwrap();
    (group, operation.uuid)
}

async fn status(world: &World, cluster: Uuid, group: &NodeGroup) -> Option<Status> {
    let record = world.record(cluster).await;
    record.groups.iter().find(|other| other.uuid == group.uuid).map(|group| group.status)
}

#[tokio::test]
async fn a_second_group_gets_its_own_nodes_is_resized_and_goes_with_them() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, create) = world.create("c", 1, 1).await;
    world.success_of(create.uuid).await;

    let (group, operation) = add(&world, cluster).await;
    assert_eq!(status(&world, cluster, &group).await, Some(Status::CreateInProgress));
    assert_eq!(world.status(cluster).await, Some(Status::UpdateInProgress));
    let added = world.success_of(operation).await;
    let keys: Vec<&str> = added.steps.iter().map(|step| step.key.as_str()).collect();
    for key in ["machine/c-gpu-0", "machine/c-gpu-1", "ready/c-gpu-1"] {
        assert!(keys.contains(&key), "{keys:?}");
    }
    assert!(!keys.contains(&"machine/c-worker-0"), "the others are left alone: {keys:?}");
    assert_eq!(status(&world, cluster, &group).await, Some(Status::CreateComplete));
    assert_eq!(world.status(cluster).await, Some(Status::UpdateComplete));
    world.assert_cloud_matches(cluster).await;
    let record = world.record(cluster).await;
    let own: Vec<_> = record.nodes.iter().filter(|node| node.node_group == group.uuid).collect();
    assert!(own.len() == 2 && own.iter().all(|node| node.role == NodeRole::Worker && node.address.is_some()));

    let resize = new_operation(OperationKind::Scale);
    let resize =
        world.store.request_scale(ClusterId::assumed(cluster), group.uuid, 3, &[own[0].uuid], resize).await.unwrap();
    world.success_of(resize.uuid).await;
    let record = world.record(cluster).await;
    let names: Vec<&str> =
        record.nodes.iter().filter(|node| node.node_group == group.uuid).map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["c-gpu-1", "c-gpu-2", "c-gpu-3"], "the one that was named is gone, others came");
    assert_eq!(status(&world, cluster, &group).await, Some(Status::UpdateComplete));
    world.assert_cloud_matches(cluster).await;

    let delete = new_operation(OperationKind::Update);
    let delete = world.store.request_node_group_delete(ClusterId::assumed(cluster), group.uuid, delete).await.unwrap();
    assert_eq!(status(&world, cluster, &group).await, Some(Status::DeleteInProgress));
    let deleted = world.success_of(delete.uuid).await;
    assert!(deleted.steps.iter().any(|step| step.key == "drain/c-gpu-1"), "{deleted:#?}");
    assert_eq!(status(&world, cluster, &group).await, None);
    assert_eq!(world.record(cluster).await.nodes.len(), 2);
    assert_eq!(world.status(cluster).await, Some(Status::UpdateComplete));
    world.assert_cloud_matches(cluster).await;
}

#[tokio::test]
async fn a_group_asked_for_and_taken_back_at_once_leaves_nothing() {
    let world = World::new(quick()).await;
    let (cluster, create) = world.create("c", 1, 1).await;
    let one = world.conductor("one");
    world.success_of(create.uuid).await;
    one.cancel();
    let (group, add) = add(&world, cluster).await;
    let delete = new_operation(OperationKind::Update);
    let delete = world.store.request_node_group_delete(ClusterId::assumed(cluster), group.uuid, delete).await.unwrap();
    world.conductor("two");
    world.success_of(add).await;
    world.success_of(delete.uuid).await;
    assert_eq!(status(&world, cluster, &group).await, None);
    world.assert_cloud_matches(cluster).await;
}

// Covers: R353.
#[tokio::test]
async fn a_cluster_deleted_while_it_is_resized_and_a_group_comes_ends_deleted() {
    let world = World::new(quick()).await;
    let (cluster, create) = world.create("c", 1, 1).await;
    let one = world.conductor("one");
    world.success_of(create.uuid).await;
    one.cancel();
    let (_, add) = add(&world, cluster).await;
    let resize = world.scale(cluster, 4).await;
    let mut events = world.store.subscribe();
    world.conductor("two");
    // In the middle of the work.
    world.events_pass(&mut events, 10).await;
    let delete = world.delete(cluster).await;
    world.success_of(delete.uuid).await;
    assert_eq!(world.status(cluster).await, None);
    world.assert_cloud_is_empty();
    for operation in [add, resize.uuid] {
        assert!(world.operation(operation).await.status.is_final());
    }
}

#[tokio::test]
async fn an_upgrade_that_no_node_would_notice_ends_complete() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, create) = world.create("c", 1, 1).await;
    world.success_of(create.uuid).await;
    let other = jeroboam_model::ClusterTemplate { uuid: Uuid::new_v4(), ..world.template.clone() };
    world.store.create_template(&other).await.unwrap();
    let record = world.record(cluster).await;
    let nodes: Vec<Uuid> = record.nodes.iter().map(|node| node.uuid).collect();
    let upgrade = new_operation(OperationKind::Upgrade);
    let upgrade =
        world.store.request_upgrade(ClusterId::assumed(cluster), record.groups[0].uuid, &other, upgrade).await.unwrap();
    world.success_of(upgrade.uuid).await;
    let record = world.record(cluster).await;
    assert_eq!((record.cluster.template, record.cluster.status), (other.uuid, Status::UpdateComplete));
    assert_eq!(record.nodes.iter().map(|node| node.uuid).collect::<Vec<_>>(), nodes, "no node was replaced");
}
