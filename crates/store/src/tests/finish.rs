use jeroboam_model::OperationStatus;

use super::*;
use crate::{Page, StoreError};

#[tokio::test]
async fn a_success_keeps_what_was_found_out() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "c").await;
    let facts = ClusterFacts {
        api_address: Some("https://172.18.0.10:6443".to_owned()),
        coe_version: Some("v1.37.2".to_owned()),
        container_version: Some("1.6.20".to_owned()),
        stack_id: Some("net".to_owned()),
    };
    let claim = bench.end(Outcome::Succeeded { facts }).await;
    let record = bench.record(&cluster).await;
    assert_eq!(record.cluster.status, Status::CreateComplete);
    assert_eq!(record.cluster.api_address.as_deref(), Some("https://172.18.0.10:6443"));
    assert_eq!(record.cluster.stack_id.as_deref(), Some("net"));
    assert!(record.groups.iter().all(|group| group.status == Status::CreateComplete));
    let operation = bench.operation(claim.operation.uuid).await;
    assert_eq!(operation.status, OperationStatus::Succeeded);
    assert!(operation.finished_at.unwrap() >= operation.started_at.unwrap());
}

#[tokio::test]
async fn after_a_delete_all_is_gone_but_the_history() {
    let bench = Bench::new().await;
    let (cluster, create) = bench.create("one", "c").await;
    let claim = bench.claim().await;
    let plan = [step(1, plan::Action::EnsureSecrets)];
    bench.store.record_plan(create.uuid, claim.fence, &plan).await.unwrap();
    let facts = ClusterFacts::default();
    bench.store.finish(create.uuid, claim.fence, Outcome::Succeeded { facts }).await.unwrap();
    bench.store.put_secret(ClusterId::of(cluster.uuid), "kubernetes", Some("PEM"), None).await.unwrap();
    bench.store.put_secret(Owner::Deployment, "agent-ca", Some("PEM"), None).await.unwrap();
    let node = bench.record(&cluster).await.nodes[0].uuid;
    bench.store.issue_token(node, &"a".repeat(64), later(60)).await.unwrap();
    let survivor = bench.created("one", "d").await;

    let deleting =
        bench.store.request_delete(ClusterId::of(cluster.uuid), asked("one", OperationKind::Delete)).await.unwrap();
    bench.succeed().await;

    let gone = bench.store.cluster(&Scope::All, "c").await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    assert!(bench.store.nodes(cluster.uuid).await.unwrap().is_empty());
    assert!(bench.store.secrets(ClusterId::of(cluster.uuid)).await.unwrap().is_empty());
    assert!(matches!(bench.store.node(node).await, Err(StoreError::NotFound { .. })));
    assert!(bench.store.secret(Owner::Deployment, "agent-ca").await.unwrap().is_some());
    assert_eq!(bench.record(&survivor).await.nodes.len(), 3);

    for ident in ["c".to_owned(), cluster.uuid.to_string()] {
        let history = bench.store.operations(&project("one"), Some(&ident), &Page::default()).await.unwrap();
        let uuids: Vec<_> = history.iter().map(|operation| operation.uuid).collect();
        assert_eq!(uuids, [deleting.uuid, create.uuid]);
    }
    let created = bench.operation(create.uuid).await;
    assert_eq!((created.steps.len(), created.receipt), (1, None));
    let deleted = bench.operation(deleting.uuid).await;
    assert_eq!(deleted.status, OperationStatus::Succeeded);
    let receipt = deleted.receipt.unwrap();
    let names: Vec<_> = receipt.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["c-master-0", "c-worker-0", "c-worker-1"], "what there was");
    assert_eq!((receipt.created_at, receipt.template_uuid), (cluster.created_at, cluster.template));
    assert!(matches!(
        bench.store.request_delete(ClusterId::of(cluster.uuid), asked("one", OperationKind::Delete)).await,
        Err(StoreError::NotFound { .. })
    ));
}

#[tokio::test]
async fn a_delete_that_waits_behind_a_delete_that_succeeded_ends_with_it() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let delete = || bench.store.request_delete(ClusterId::of(cluster.uuid), asked("one", OperationKind::Delete));
    let first = delete().await.unwrap();
    let claim = bench.claim().await;
    bench.store.request_cancel(&Scope::All, first.uuid).await.unwrap();
    let second = delete().await.unwrap();
    // The conductor finished before it saw the cancellation.
    let facts = ClusterFacts::default();
    bench.store.finish(first.uuid, claim.fence, Outcome::Succeeded { facts }).await.unwrap();
    assert_eq!(bench.operation(second.uuid).await.status, OperationStatus::Cancelled);
    assert_eq!(bench.store.claim("you", LEASE, later(60)).await.unwrap(), None);
}

#[tokio::test]
async fn a_failure_says_why_on_cluster_groups_and_operation() {
    let bench = Bench::new().await;
    let (cluster, create) = bench.create("one", "c").await;
    bench.end(Outcome::Failed(trouble())).await;
    let record = bench.record(&cluster).await;
    let reason = Some("Starting a machine failed: connection refused");
    assert_eq!((record.cluster.status, record.cluster.status_reason.as_deref()), (Status::CreateFailed, reason));
    for group in &record.groups {
        assert_eq!((group.status, group.status_reason.as_deref()), (Status::CreateFailed, reason));
    }
    let operation = bench.operation(create.uuid).await;
    assert_eq!((operation.status, operation.cause), (OperationStatus::Failed, Some(trouble())));
}
