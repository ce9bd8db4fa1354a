use jeroboam_model::OperationStatus;
use jeroboam_model::status::Request;
use jeroboam_types::agent::Taint;

use super::*;
use crate::StoreError;

fn update() -> NewOperation {
    asked("one", OperationKind::Update)
}

/// A group of two workers, not stored yet.
fn group(bench: &Bench, cluster: &Cluster, name: &str) -> NodeGroup {
    NodeGroup { node_count: 2, ..NodeGroup::of(cluster, &bench.template, name, now()) }
}

fn found<'a>(record: &'a ClusterRecord, name: &str) -> Option<&'a NodeGroup> {
    record.groups.iter().find(|group| group.name == name)
}

async fn delete(bench: &Bench, group: &NodeGroup) -> crate::Result<Operation> {
    bench.store.request_node_group_delete(ClusterId::of(group.cluster), group.uuid, update()).await
}

#[tokio::test]
async fn a_group_comes_with_its_nodes_and_goes_with_them() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let gpu = group(&bench, &cluster, "gpu");
    let operation = bench.store.request_node_group(ClusterId::of(gpu.cluster), &gpu, update()).await.unwrap();
    assert_eq!((operation.kind, operation.status), (OperationKind::Update, OperationStatus::Queued));
    let record = bench.record(&cluster).await;
    assert_eq!(record.cluster.status, Status::UpdateInProgress);
    assert_eq!(found(&record, "gpu").unwrap().status, Status::CreateInProgress);
    assert!(found(&record, "gpu").unwrap().id > 0);
    assert_eq!(workers(&record).status, Status::CreateComplete, "the other groups are not touched");
    assert_eq!(wanted(&record), ["c-gpu-0", "c-gpu-1", "c-master-0", "c-worker-0", "c-worker-1"]);
    bench.succeed().await;
    let record = bench.record(&cluster).await;
    assert_eq!(record.cluster.status, Status::UpdateComplete);
    assert_eq!(found(&record, "gpu").unwrap().status, Status::CreateComplete);

    let first = delete(&bench, &gpu).await.unwrap();
    let again = delete(&bench, &gpu).await.unwrap();
    assert_eq!(first.uuid, again.uuid, "deleting twice is deleting once");
    let record = bench.record(&cluster).await;
    assert_eq!(record.cluster.status, Status::UpdateInProgress);
    assert_eq!(found(&record, "gpu").unwrap().status, Status::DeleteInProgress);
    assert_eq!(wanted(&record), ["c-master-0", "c-worker-0", "c-worker-1"]);
    for node in record.nodes.iter().filter(|node| !node.wanted) {
        bench.store.remove_node(node.uuid).await.unwrap();
    }
    bench.succeed().await;
    let record = bench.record(&cluster).await;
    assert_eq!((record.groups.len(), record.cluster.status), (2, Status::UpdateComplete));
}

#[tokio::test]
async fn a_failure_is_the_groups_own_and_heals_with_the_next_success() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let gpu = group(&bench, &cluster, "gpu");
    bench.store.request_node_group(ClusterId::of(gpu.cluster), &gpu, update()).await.unwrap();
    bench.end(Outcome::Failed(trouble())).await;
    let record = bench.record(&cluster).await;
    assert_eq!(record.cluster.status, Status::UpdateFailed);
    let failed = found(&record, "gpu").unwrap();
    assert_eq!(failed.status, Status::CreateFailed);
    assert!(failed.status_reason.as_deref().unwrap().contains("connection refused"));
    assert_eq!(workers(&record).status, Status::CreateComplete);

    let retry = bench.store.request_retry(ClusterId::of(cluster.uuid), update()).await.unwrap();
    assert_eq!(retry.kind, OperationKind::Update);
    assert_eq!(found(&bench.record(&cluster).await, "gpu").unwrap().status, Status::CreateInProgress);
    bench.end(Outcome::Failed(trouble())).await;

    // A resize of another group brings up all that is wanted, this group's nodes too.
    let workers = workers(&bench.record(&cluster).await).uuid;
    bench
        .store
        .request_scale(ClusterId::of(cluster.uuid), workers, 3, &[], asked("one", OperationKind::Scale))
        .await
        .unwrap();
    bench.succeed().await;
    let record = bench.record(&cluster).await;
    let healed = found(&record, "gpu").unwrap();
    assert_eq!((healed.status, healed.status_reason.as_deref()), (Status::CreateComplete, None));
}

#[tokio::test]
async fn a_deletion_that_failed_can_be_tried_again_but_the_group_not_resized() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let gpu = group(&bench, &cluster, "gpu");
    bench.store.request_node_group(ClusterId::of(gpu.cluster), &gpu, update()).await.unwrap();
    bench.succeed().await;
    delete(&bench, &gpu).await.unwrap();
    bench.end(Outcome::Failed(trouble())).await;
    assert_eq!(found(&bench.record(&cluster).await, "gpu").unwrap().status, Status::DeleteFailed);
    let resize = asked("one", OperationKind::Scale);
    let refused = bench.store.request_scale(ClusterId::of(cluster.uuid), gpu.uuid, 1, &[], resize).await.unwrap_err();
    assert_eq!(refused, StoreError::NotAllowed { status: Status::DeleteFailed, request: Request::Update });
    // Its nodes are still there, so neither success nor failure of something else takes it away.
    let workers = workers(&bench.record(&cluster).await).uuid;
    let resize = asked("one", OperationKind::Scale);
    bench.store.request_scale(ClusterId::of(cluster.uuid), workers, 3, &[], resize).await.unwrap();
    bench.end(Outcome::Failed(trouble())).await;
    assert!(found(&bench.record(&cluster).await, "gpu").is_some());
    delete(&bench, &gpu).await.unwrap();
    for node in bench.record(&cluster).await.nodes.iter().filter(|node| !node.wanted) {
        bench.store.remove_node(node.uuid).await.unwrap();
    }
    bench.succeed().await;
    assert!(found(&bench.record(&cluster).await, "gpu").is_none());
}

#[tokio::test]
async fn groups_are_refused_where_they_do_not_fit_and_nothing_changes() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "c").await;
    let gpu = group(&bench, &cluster, "gpu");
    let before = bench.record(&cluster).await;
    let refused = bench.store.request_node_group(ClusterId::of(gpu.cluster), &gpu, update()).await.unwrap_err();
    assert_eq!(refused, StoreError::NotAllowed { status: Status::CreateInProgress, request: Request::NodeGroup });
    assert_eq!(bench.record(&cluster).await, before);
    bench.succeed().await;

    let before = bench.record(&cluster).await;
    let double = group(&bench, &cluster, "default-worker");
    let refused = bench.store.request_node_group(ClusterId::of(double.cluster), &double, update()).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Conflict(said) if said.contains("default-worker")), "{refused}");
    let refused = delete(&bench, workers(&before)).await.unwrap_err();
    assert!(matches!(refused, StoreError::InUse(_)), "{refused}");
    assert!(matches!(delete(&bench, &gpu).await, Err(StoreError::NotFound { .. })));
    assert_eq!(bench.record(&cluster).await, before);

    bench.store.request_delete(ClusterId::of(cluster.uuid), asked("one", OperationKind::Delete)).await.unwrap();
    let refused = bench.store.request_node_group(ClusterId::of(gpu.cluster), &gpu, update()).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotAllowed { .. }), "{refused}");
    assert_eq!(bench.status(&cluster).await, Status::DeleteInProgress, "deleting wins");
}

#[tokio::test]
async fn bounds_labels_and_taints_change_and_nothing_else() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let before = workers(&bench.record(&cluster).await).clone();
    let taint = Taint { key: "gpu".into(), value: String::new(), effect: "NoSchedule".into() };
    let changed = NodeGroup {
        min_node_count: 1,
        max_node_count: Some(4),
        node_labels: BTreeMap::new(),
        node_taints: vec![taint.clone()],
        name: "other".to_owned(),
        ..before.clone()
    };
    let to = |changed: &NodeGroup| {
        let changed = changed.clone();
        bench.store.request_node_group_update(ClusterId::of(cluster.uuid), before.uuid, update(), move |_| {
            crate::Result::Ok(changed.clone())
        })
    };
    to(&changed).await.unwrap();
    let after = workers(&bench.record(&cluster).await).clone();
    assert_eq!((after.min_node_count, after.max_node_count), (1, Some(4)));
    assert_eq!((after.node_labels.len(), after.node_taints.as_slice()), (0, [taint].as_slice()));
    assert_eq!((after.name.as_str(), after.status), ("default-worker", Status::UpdateInProgress));
    let refusal = StoreError::Conflict("no".to_owned());
    let no = |_: &NodeGroup| Err(refusal.clone());
    let refused = bench
        .store
        .request_node_group_update(ClusterId::of(cluster.uuid), before.uuid, update(), no)
        .await
        .unwrap_err();
    assert_eq!((refused, workers(&bench.record(&cluster).await).max_node_count), (refusal, Some(4)));
    bench.succeed().await;
    assert_eq!(workers(&bench.record(&cluster).await).status, Status::UpdateComplete);
}

#[tokio::test]
async fn an_upgrade_moves_a_complete_cluster_to_another_template() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let other = template("one", "other");
    bench.store.create_template(&other).await.unwrap();
    let group = workers(&bench.record(&cluster).await).uuid;
    let upgrade = |template: ClusterTemplate| {
        let store = bench.store.clone();
        let asked = asked("one", OperationKind::Upgrade);
        async move { store.request_upgrade(ClusterId::of(cluster.uuid), group, &template, asked).await }
    };
    assert!(matches!(upgrade(template("one", "gone")).await, Err(StoreError::NotFound { .. })));
    assert_eq!(bench.status(&cluster).await, Status::CreateComplete);
    assert_eq!(upgrade(other.clone()).await.unwrap().kind, OperationKind::Upgrade);
    let record = bench.record(&cluster).await;
    assert_eq!((record.cluster.template, record.cluster.status), (other.uuid, Status::UpdateInProgress));
    assert_eq!(workers(&record).status, Status::UpdateInProgress);
    assert!(matches!(upgrade(bench.template.clone()).await, Err(StoreError::NotAllowed { .. })));
    bench.succeed().await;
    assert_eq!(bench.status(&cluster).await, Status::UpdateComplete);
}

#[tokio::test]
async fn bounds_hold_at_the_moment_of_writing() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let group = workers(&bench.record(&cluster).await).uuid;
    let at_least_two = |group: &NodeGroup| crate::Result::Ok(NodeGroup { min_node_count: 2, ..group.clone() });
    bench.store.request_node_group_update(ClusterId::of(cluster.uuid), group, update(), at_least_two).await.unwrap();
    let before = bench.record(&cluster).await;
    let scale = |count| {
        bench.store.request_scale(ClusterId::of(cluster.uuid), group, count, &[], asked("one", OperationKind::Scale))
    };
    let refused = scale(1).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Unfit(error) if error.field == "node_count"), "{refused}");
    assert_eq!(bench.record(&cluster).await, before);
    scale(2).await.unwrap();
}

#[tokio::test]
async fn all_groups_together_stay_within_the_limit_of_a_cluster() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let within = |kind| NewOperation { limits: Limits { nodes: 4, masters: 1 }, ..asked("one", kind) };
    let gpu = group(&bench, &cluster, "gpu");
    bench.store.request_node_group(ClusterId::of(gpu.cluster), &gpu, within(OperationKind::Update)).await.unwrap();
    let before = bench.record(&cluster).await;
    let more = group(&bench, &cluster, "more");
    let refused = bench
        .store
        .request_node_group(ClusterId::of(more.cluster), &more, within(OperationKind::Update))
        .await
        .unwrap_err();
    assert!(matches!(&refused, StoreError::Unfit(error) if error.message.contains("may have 4 nodes")), "{refused}");
    let scale = |count| {
        bench.store.request_scale(
            ClusterId::of(cluster.uuid),
            workers(&before).uuid,
            count,
            &[],
            within(OperationKind::Scale),
        )
    };
    assert!(matches!(scale(3).await, Err(StoreError::Unfit(_))));
    assert_eq!(bench.record(&cluster).await, before);
    scale(1).await.unwrap();
    let empty = NodeGroup { node_count: 1, ..more };
    bench.store.request_node_group(ClusterId::of(empty.cluster), &empty, within(OperationKind::Update)).await.unwrap();
}
