use super::*;
use crate::notification::{MAX_WAITING, Stage};

async fn waiting(bench: &Bench) -> Vec<(OperationKind, Stage, Status)> {
    let found = bench.store.waiting_notifications(100).await.unwrap();
    found.into_iter().map(|(_, told)| (told.kind, told.stage, told.cluster.status)).collect()
}

#[tokio::test]
async fn begin_and_end_of_operations_are_kept_until_they_are_delivered() {
    let bench = Bench::new().await;
    bench.store.want_notifications(true).await.unwrap();
    let cluster = bench.created("one", "prod").await;
    let group = workers(&bench.record(&cluster).await).uuid;
    bench.store.request_scale(cluster.uuid, group, 3, &[], asked("one", OperationKind::Scale)).await.unwrap();
    bench.end(Outcome::Failed(trouble())).await;
    bench.store.request_delete(cluster.uuid, asked("one", OperationKind::Delete)).await.unwrap();
    bench.succeed().await;
    assert_eq!(
        waiting(&bench).await,
        [
            (OperationKind::Create, Stage::Pending, Status::CreateInProgress),
            (OperationKind::Create, Stage::Success, Status::CreateComplete),
            (OperationKind::Scale, Stage::Pending, Status::UpdateInProgress),
            (OperationKind::Scale, Stage::Failure, Status::UpdateFailed),
            (OperationKind::Delete, Stage::Pending, Status::DeleteInProgress),
            (OperationKind::Delete, Stage::Success, Status::DeleteComplete),
        ]
    );
    let found = bench.store.waiting_notifications(3).await.unwrap();
    let (number, last) = &found[2];
    assert_eq!((last.cluster.uuid, last.cluster.node_count, last.cluster.master_count), (cluster.uuid, 3, 1));
    assert_eq!((last.user_id.as_str(), last.request_id.as_str()), ("user", "req-1"));
    bench.store.delivered(*number).await.unwrap();
    assert_eq!(waiting(&bench).await.len(), 3);
}

#[tokio::test]
async fn an_operation_that_is_cancelled_while_it_waits_has_failed() {
    let bench = Bench::new().await;
    bench.store.want_notifications(true).await.unwrap();
    let (_, operation) = bench.create("one", "prod").await;
    bench.store.request_cancel(&project("one"), operation.uuid).await.unwrap();
    let stages: Vec<_> = waiting(&bench).await.into_iter().map(|(_, stage, _)| stage).collect();
    assert_eq!(stages, [Stage::Pending, Stage::Failure]);
}

#[tokio::test]
async fn nothing_is_kept_that_nobody_wants() {
    let bench = Bench::new().await;
    bench.create("one", "a").await;
    assert!(waiting(&bench).await.is_empty());
    bench.store.want_notifications(true).await.unwrap();
    bench.create("one", "b").await;
    assert_eq!(waiting(&bench).await.len(), 1);
    bench.store.want_notifications(false).await.unwrap();
    bench.create("one", "c").await;
    assert!(waiting(&bench).await.is_empty());
}

#[tokio::test]
async fn the_oldest_give_way_when_nobody_delivers() {
    let bench = Bench::new().await;
    bench.store.want_notifications(true).await.unwrap();
    bench.create("one", "a").await;
    let (first, _) = bench.store.waiting_notifications(1).await.unwrap()[0];
    // As if many more had come and gone.
    let sql = format!("UPDATE sqlite_sequence SET seq = {} WHERE name = 'notifications'", first + MAX_WAITING);
    sea_orm::ConnectionTrait::execute_unprepared(bench.store.writer(), &sql).await.unwrap();
    bench.create("one", "b").await;
    let found = bench.store.waiting_notifications(100).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1.cluster.name, "b");
}
