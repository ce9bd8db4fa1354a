use super::*;
use crate::notification::{Deed, MAX_WAITING, Notification, Stage};
use crate::{IssuedCertificate, Precondition, Target};

async fn waiting(bench: &Bench) -> Vec<(OperationKind, Stage, Status)> {
    let found = bench.store.waiting_notifications(100).await.unwrap();
    let kind = |deed| match deed {
        Deed::Operation(kind) => kind,
        Deed::Certificate(_) => panic!("no certificate was signed"),
    };
    found.into_iter().map(|(_, told)| (kind(told.deed), told.stage, told.cluster.status)).collect()
}

#[tokio::test]
async fn a_certificate_is_told_with_its_cluster_when_it_is_recorded() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "prod").await;
    let issued = IssuedCertificate {
        cluster: ClusterId::of(cluster.uuid),
        authority: "kubernetes".into(),
        serial: "0abc".into(),
        subject: "CN=admin".into(),
        user_id: "user".into(),
        request_id: "req-7".into(),
        created_at: Timestamp::now(),
        expires_at: Timestamp::now(),
    };
    bench.store.record_certificate(&issued).await.unwrap();
    assert!(bench.store.waiting_notifications(9).await.unwrap().is_empty(), "nobody wants to know");
    bench.store.want_notifications(true).await.unwrap();
    bench.store.record_certificate(&IssuedCertificate { serial: "0def".into(), ..issued }).await.unwrap();
    let (_, told) = bench.store.waiting_notifications(9).await.unwrap().remove(0);
    let Deed::Certificate(certificate) = &told.deed else { panic!("{told:?}") };
    assert_eq!((certificate.serial.as_str(), certificate.subject.as_str()), ("0def", "CN=admin"));
    assert_eq!((told.stage, told.cluster.uuid, told.project_id.as_str()), (Stage::Success, cluster.uuid, "one"));
    assert_eq!((told.request_id.as_str(), told.user_id.as_str()), ("req-7", "user"));
}

#[tokio::test]
async fn notifications_of_before_there_were_certificates_are_still_read() {
    let bench = Bench::new().await;
    bench.store.want_notifications(true).await.unwrap();
    bench.create("one", "prod").await;
    let (_, told) = bench.store.waiting_notifications(1).await.unwrap().remove(0);
    let kept = serde_json::to_value(&told).unwrap();
    assert_eq!(kept["kind"], "create");
    assert_eq!(serde_json::from_value::<Notification>(kept).unwrap(), told);
}

#[tokio::test]
async fn begin_and_end_of_operations_are_kept_until_they_are_delivered() {
    let bench = Bench::new().await;
    bench.store.want_notifications(true).await.unwrap();
    let cluster = bench.created("one", "prod").await;
    let group = workers(&bench.record(&cluster).await).uuid;
    bench
        .store
        .request_scale(ClusterId::of(cluster.uuid), group, 3, &[], asked("one", OperationKind::Scale))
        .await
        .unwrap();
    bench.end(Outcome::Failed(trouble())).await;
    bench.store.request_delete(ClusterId::of(cluster.uuid), asked("one", OperationKind::Delete)).await.unwrap();
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
    let bench = Bench::sqlite().await;
    bench.store.want_notifications(true).await.unwrap();
    bench.create("one", "a").await;
    let (first, _) = bench.store.waiting_notifications(1).await.unwrap()[0];
    // As if many more had come and gone.
    let sql = format!("UPDATE sqlite_sequence SET seq = {} WHERE name = 'notifications'", first + MAX_WAITING);
    sea_orm::ConnectionTrait::execute_unprepared(bench.store.write_connection(), &sql).await.unwrap();
    bench.create("one", "b").await;
    let found = bench.store.waiting_notifications(100).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1.cluster.name, "b");
}

#[tokio::test]
async fn a_refusal_is_told_and_changes_nothing_else() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "prod").await;
    let refused = NewOperation { user_id: "somebody".to_owned(), ..asked("one", OperationKind::Scale) };
    bench.store.note_refusal(ClusterId::of(cluster.uuid), &refused).await.unwrap();
    assert!(waiting(&bench).await.is_empty(), "nobody wants to know");
    bench.store.want_notifications(true).await.unwrap();
    let before = bench.record(&cluster).await;
    // The request's precondition applies only to its own writes.
    let never = Precondition::new(project("one"), Target::Cluster("prod".to_owned()), |_| false);
    never.around(bench.store.note_refusal(ClusterId::of(cluster.uuid), &refused)).await.unwrap();
    assert_eq!(waiting(&bench).await, [(OperationKind::Scale, Stage::Failure, Status::CreateInProgress)]);
    assert_eq!(bench.store.waiting_notifications(1).await.unwrap()[0].1.user_id, "somebody");
    assert_eq!(bench.record(&cluster).await, before);
}
