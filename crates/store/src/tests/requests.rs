use jeroboam_model::OperationStatus;
use jeroboam_model::status::Request;

use super::*;
use crate::StoreError;

async fn scale(bench: &Bench, cluster: &Cluster, count: u32, remove: &[Uuid]) -> crate::Result<Operation> {
    let group = workers(&bench.record(cluster).await).uuid;
    bench
        .store
        .request_scale(ClusterId::of(cluster.uuid), group, count, remove, asked("one", OperationKind::Scale))
        .await
}

async fn delete(bench: &Bench, cluster: &Cluster) -> Operation {
    bench.store.request_delete(ClusterId::of(cluster.uuid), asked("one", OperationKind::Delete)).await.unwrap()
}

#[tokio::test]
async fn scaling_writes_what_is_wanted_and_the_operation_together() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let revision = bench.store.cluster_revision(cluster.uuid).await.unwrap();
    let up = scale(&bench, &cluster, 4, &[]).await.unwrap();
    assert_eq!((up.kind, up.status), (OperationKind::Scale, OperationStatus::Queued));
    let record = bench.record(&cluster).await;
    assert_eq!(record.cluster.status, Status::UpdateInProgress);
    assert_eq!((workers(&record).status, workers(&record).node_count), (Status::UpdateInProgress, 4));
    assert_eq!(wanted(&record), ["c-master-0", "c-worker-0", "c-worker-1", "c-worker-2", "c-worker-3"]);
    assert!(bench.store.cluster_revision(cluster.uuid).await.unwrap() > revision);
    let master = record.groups.iter().find(|group| group.role == NodeRole::Master).unwrap();
    assert_eq!(master.status, Status::CreateComplete);
    bench.succeed().await;

    let first = record.nodes.iter().find(|node| node.name == "c-worker-0").unwrap().uuid;
    scale(&bench, &cluster, 2, &[first]).await.unwrap();
    let record = bench.record(&cluster).await;
    assert_eq!(wanted(&record), ["c-master-0", "c-worker-1", "c-worker-2"]);
    assert_eq!(record.nodes.len(), 5, "those that go are there until they are gone");
    bench.succeed().await;
    let record = bench.record(&cluster).await;
    assert_eq!(record.cluster.status, Status::UpdateComplete);
    assert_eq!(workers(&record).status, Status::UpdateComplete);
}

#[tokio::test]
async fn a_scale_behind_a_scale_waits_and_is_not_lost() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    scale(&bench, &cluster, 4, &[]).await.unwrap();
    let running = bench.claim().await;
    let behind = scale(&bench, &cluster, 1, &[]).await.unwrap();
    assert_eq!(bench.store.claim("you", LEASE, Timestamp::now()).await.unwrap(), None);
    let facts = ClusterFacts::default();
    bench.store.finish(running.operation.uuid, running.fence, Outcome::Succeeded { facts }).await.unwrap();
    assert_eq!(bench.status(&cluster).await, Status::UpdateInProgress, "the second is still to come");
    assert_eq!(wanted(&bench.record(&cluster).await), ["c-master-0", "c-worker-0"]);
    assert_eq!(bench.succeed().await.operation.uuid, behind.uuid);
    assert_eq!(bench.status(&cluster).await, Status::UpdateComplete);
}

#[tokio::test]
async fn scaling_is_refused_while_creating_and_deleting_and_changes_nothing() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "c").await;
    let before = bench.record(&cluster).await;
    let refused = scale(&bench, &cluster, 4, &[]).await.unwrap_err();
    assert_eq!(refused, StoreError::NotAllowed { status: Status::CreateInProgress, request: Request::Update });
    assert_eq!(bench.record(&cluster).await, before);
    delete(&bench, &cluster).await;
    let refused = scale(&bench, &cluster, 4, &[]).await.unwrap_err();
    assert_eq!(refused, StoreError::NotAllowed { status: Status::DeleteInProgress, request: Request::Update });
}

#[tokio::test]
async fn scaling_with_a_node_or_group_of_another_cluster_changes_nothing() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let other = bench.created("one", "d").await;
    let before = bench.record(&cluster).await;
    let stranger = bench.record(&other).await;
    let refused = scale(&bench, &cluster, 1, &[stranger.nodes[1].uuid]).await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: "node", .. })), "{refused:?}");
    let asked = asked("one", OperationKind::Scale);
    let refused = bench.store.request_scale(ClusterId::of(cluster.uuid), workers(&stranger).uuid, 1, &[], asked).await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: "node group", .. })), "{refused:?}");
    assert_eq!(bench.record(&cluster).await, before);
}

#[tokio::test]
async fn a_delete_ends_a_create_that_waits() {
    let bench = Bench::new().await;
    let (cluster, create) = bench.create("one", "c").await;
    let deleting = delete(&bench, &cluster).await;
    let record = bench.record(&cluster).await;
    assert_eq!(record.cluster.status, Status::DeleteInProgress);
    assert!(record.groups.iter().all(|group| group.status == Status::DeleteInProgress));
    let create = bench.operation(create.uuid).await;
    assert_eq!(create.status, OperationStatus::Cancelled);
    assert_eq!(create.cause.unwrap().code, "superseded_by_delete");
    assert_eq!(bench.claim().await.operation.uuid, deleting.uuid);
}

#[tokio::test]
async fn a_delete_waits_for_a_create_that_runs_and_what_that_says_does_not_overwrite_it() {
    for outcome in
        [Outcome::Failed(trouble()), Outcome::Cancelled, Outcome::Succeeded { facts: ClusterFacts::default() }]
    {
        let bench = Bench::new().await;
        let (cluster, create) = bench.create("one", "c").await;
        let running = bench.claim().await;
        let deleting = delete(&bench, &cluster).await;
        assert_eq!(bench.store.claim("you", LEASE, Timestamp::now()).await.unwrap(), None);
        assert!(
            bench.store.renew_all("conductor", later(30)).await.unwrap()[&create.uuid].cancel_requested,
            "told to end"
        );
        bench.store.finish(create.uuid, running.fence, outcome).await.unwrap();
        let record = bench.record(&cluster).await;
        assert_eq!(record.cluster.status, Status::DeleteInProgress);
        assert_eq!(record.cluster.status_reason, None);
        assert!(record.groups.iter().all(|group| group.status == Status::DeleteInProgress));
        assert_eq!(bench.claim().await.operation.uuid, deleting.uuid);
    }
}

#[tokio::test]
async fn a_delete_does_not_wait_for_the_back_off_of_what_it_ends() {
    let bench = Bench::new().await;
    let (cluster, create) = bench.create("one", "c").await;
    let claim = bench.claim().await;
    bench.store.block_operation(create.uuid, claim.fence, &trouble(), Some(later(3600))).await.unwrap();
    bench.store.release(create.uuid, claim.fence).await.unwrap();
    delete(&bench, &cluster).await;
    let again = bench.claim().await;
    assert_eq!(again.operation.uuid, create.uuid);
    assert!(bench.store.renew_all("conductor", later(30)).await.unwrap()[&create.uuid].cancel_requested);
}

#[tokio::test]
async fn deleting_twice_is_deleting_once() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let first = delete(&bench, &cluster).await;
    assert_eq!(delete(&bench, &cluster).await.uuid, first.uuid);
    let claim = bench.claim().await;
    assert_eq!(delete(&bench, &cluster).await.uuid, first.uuid);

    // But not if the first one is being cancelled: that would delete nothing.
    bench.store.request_cancel(&Scope::All, first.uuid).await.unwrap();
    let second = delete(&bench, &cluster).await;
    assert_ne!(second.uuid, first.uuid);
    bench.store.finish(first.uuid, claim.fence, Outcome::Cancelled).await.unwrap();
    assert_eq!(bench.status(&cluster).await, Status::DeleteInProgress);
    assert_eq!(bench.succeed().await.operation.uuid, second.uuid);
}

#[tokio::test]
async fn retry_does_again_what_failed_last() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "c").await;
    let retry = || bench.store.request_retry(ClusterId::of(cluster.uuid), asked("one", OperationKind::Delete));
    let refused = retry().await.unwrap_err();
    assert_eq!(refused, StoreError::NotAllowed { status: Status::CreateInProgress, request: Request::Retry });

    bench.end(Outcome::Failed(trouble())).await;
    let record = bench.record(&cluster).await;
    assert_eq!(record.cluster.status, Status::CreateFailed);
    assert_eq!(record.cluster.status_reason.as_deref(), Some("Starting a machine failed: connection refused"));
    let again = retry().await.unwrap();
    assert_eq!((again.kind, again.status), (OperationKind::Create, OperationStatus::Queued));
    let record = bench.record(&cluster).await;
    assert_eq!((record.cluster.status, record.cluster.status_reason), (Status::CreateInProgress, None));
    assert!(record.groups.iter().all(|group| group.status == Status::CreateInProgress));
    bench.succeed().await;
    assert!(matches!(retry().await, Err(StoreError::NotAllowed { .. })), "nothing failed");

    scale(&bench, &cluster, 3, &[]).await.unwrap();
    bench.end(Outcome::Failed(trouble())).await;
    assert_eq!(bench.status(&cluster).await, Status::UpdateFailed);
    assert_eq!(retry().await.unwrap().kind, OperationKind::Scale);
    delete(&bench, &cluster).await;
    bench.end(Outcome::Failed(trouble())).await;
    assert_eq!(bench.status(&cluster).await, Status::DeleteFailed);
    assert_eq!(retry().await.unwrap().kind, OperationKind::Delete);
    assert_eq!(bench.status(&cluster).await, Status::DeleteInProgress);
}

#[tokio::test]
async fn what_waits_is_cancelled_at_once_and_can_be_retried() {
    let bench = Bench::new().await;
    let (cluster, create) = bench.create("one", "c").await;
    let cancelled = bench.store.request_cancel(&project("one"), create.uuid).await.unwrap();
    assert_eq!(cancelled.status, OperationStatus::Cancelled);
    assert_eq!(bench.status(&cluster).await, Status::CreateFailed);
    assert_eq!(bench.store.claim("you", LEASE, Timestamp::now()).await.unwrap(), None);
    let twice = bench.store.request_cancel(&project("one"), create.uuid).await.unwrap();
    assert_eq!(twice, cancelled);
    let again =
        bench.store.request_retry(ClusterId::of(cluster.uuid), asked("one", OperationKind::Create)).await.unwrap();
    assert_eq!(again.kind, OperationKind::Create);
}

#[tokio::test]
async fn what_runs_is_told_to_end() {
    let bench = Bench::new().await;
    let (cluster, create) = bench.create("one", "c").await;
    let claim = bench.claim().await;
    let told = bench.store.request_cancel(&project("one"), create.uuid).await.unwrap();
    assert_eq!(told.status, OperationStatus::Running);
    assert_eq!(bench.status(&cluster).await, Status::CreateInProgress);
    assert!(bench.store.renew_all("conductor", later(30)).await.unwrap()[&create.uuid].cancel_requested);
    bench.store.finish(create.uuid, claim.fence, Outcome::Cancelled).await.unwrap();
    assert_eq!(bench.status(&cluster).await, Status::CreateFailed);
    let cause = bench.operation(create.uuid).await.cause.unwrap();
    assert_eq!((cause.code.as_str(), cause.action.as_str()), ("cancelled", "Retry it, or delete the cluster."));
    let record = bench.record(&cluster).await;
    assert_eq!(
        record.cluster.status_reason.as_deref(),
        Some("The operation was cancelled by a user before it finished")
    );
    for group in &record.groups {
        assert_eq!(group.status_reason, record.cluster.status_reason, "{}", group.name);
    }
}

#[tokio::test]
async fn what_has_ended_cannot_be_cancelled() {
    let bench = Bench::new().await;
    bench.created("one", "c").await;
    bench.create("one", "d").await;
    let failed = bench.end(Outcome::Failed(trouble())).await;
    for operation in bench.store.operations(&Scope::All, None, &crate::Page::default()).await.unwrap() {
        let refused = bench.store.request_cancel(&Scope::All, operation.uuid).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    assert_eq!(bench.operation(failed.operation.uuid).await.status, OperationStatus::Failed);
}

#[tokio::test]
async fn cancelling_what_waits_leaves_what_runs_alone() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    scale(&bench, &cluster, 3, &[]).await.unwrap();
    let running = bench.claim().await;
    let behind = scale(&bench, &cluster, 4, &[]).await.unwrap();
    bench.store.request_cancel(&Scope::All, behind.uuid).await.unwrap();
    assert_eq!(bench.status(&cluster).await, Status::UpdateInProgress);
    let facts = ClusterFacts::default();
    bench.store.finish(running.operation.uuid, running.fence, Outcome::Succeeded { facts }).await.unwrap();
    assert_eq!(bench.status(&cluster).await, Status::UpdateComplete);
}
