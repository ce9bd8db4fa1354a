use sea_orm::EntityTrait;

use super::*;
use crate::history::DELETION_KNOWN;
use crate::{IssuedCertificate, Page};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The time `days` days from now, when what happens now is that old.
fn in_days(days: i32) -> Timestamp {
    Timestamp::now() + DAY * days
}

async fn delete(bench: &Bench, cluster: &Cluster) {
    bench.store.request_delete(ClusterId::of(cluster.uuid), asked("one", OperationKind::Delete)).await.unwrap();
    bench.succeed().await;
}

async fn certify(bench: &Bench, cluster: &Cluster, serial: &str) {
    let issued = IssuedCertificate {
        cluster: ClusterId::of(cluster.uuid),
        authority: "kubernetes".to_owned(),
        serial: serial.to_owned(),
        subject: "CN=user".to_owned(),
        user_id: "user".to_owned(),
        request_id: "req-1".to_owned(),
        created_at: now(),
        expires_at: in_days(365),
    };
    bench.store.record_certificate(&issued).await.unwrap();
}

async fn history(bench: &Bench, cluster: &Cluster) -> (Vec<OperationKind>, usize) {
    let ident = cluster.uuid.to_string();
    let operations = bench.store.operations(&Scope::All, Some(&ident), &Page::default()).await.unwrap();
    let all = Page { limit: 1000, marker: None, sort_key: None, descending: false };
    let certificates = bench.store.issued_certificates(ClusterId::of(cluster.uuid), &all).await.unwrap();
    (operations.into_iter().map(|operation| operation.kind).collect(), certificates.len())
}

#[tokio::test]
async fn old_history_is_forgotten_but_not_certificates_of_living_clusters_that_are_valid() {
    let bench = Bench::new().await;
    let (gone, create) = bench.create("one", "gone").await;
    let claim = bench.claim().await;
    let plan = [step(1, plan::Action::EnsureSecrets)];
    bench.store.record_plan(create.uuid, claim.fence, &plan).await.unwrap();
    let facts = ClusterFacts::default();
    bench.store.finish(create.uuid, claim.fence, Outcome::Succeeded { facts }).await.unwrap();
    let living = bench.created("one", "living").await;
    for cluster in [&gone, &living] {
        certify(&bench, cluster, &cluster.name).await;
    }
    delete(&bench, &gone).await;

    assert_eq!(bench.store.forget_history(DAY * 90, in_days(89)).await.unwrap(), 0);
    assert_eq!(history(&bench, &gone).await, (vec![OperationKind::Delete, OperationKind::Create], 1));
    assert_eq!(bench.store.forget_history(DAY * 90, in_days(91)).await.unwrap(), 3);
    assert_eq!(history(&bench, &gone).await, (Vec::new(), 0));
    let of_its_status = vec![OperationKind::Create];
    assert_eq!(history(&bench, &living).await, (of_its_status.clone(), 1), "its certificate is still valid");
    let steps = crate::entity::step::Entity::find().all(bench.store.reader()).await.unwrap();
    assert!(steps.iter().all(|step| step.operation_uuid != create.uuid.to_string()), "its steps went with it");
    assert_eq!(bench.store.forget_history(DAY * 90, in_days(91)).await.unwrap(), 0);
    assert_eq!(bench.store.forget_history(DAY * 90, in_days(366)).await.unwrap(), 1);
    assert_eq!(history(&bench, &living).await, (of_its_status, 0));
}

#[tokio::test]
async fn that_a_cluster_was_deleted_is_known_for_a_month_whatever_is_kept() {
    let bench = Bench::new().await;
    let gone = bench.created("one", "gone").await;
    delete(&bench, &gone).await;
    let month = Timestamp::now() + DELETION_KNOWN;
    assert_eq!(bench.store.forget_history(SignedDuration::ZERO, month - DAY).await.unwrap(), 1);
    assert_eq!(history(&bench, &gone).await.0, [OperationKind::Delete]);
    assert!(bench.store.was_deleted(gone.uuid).await.unwrap());
    assert_eq!(bench.store.forget_history(SignedDuration::ZERO, month + DAY).await.unwrap(), 1);
    assert!(!bench.store.was_deleted(gone.uuid).await.unwrap());
}

#[tokio::test]
async fn much_is_forgotten_in_pieces() {
    let bench = Bench::new().await;
    let gone = bench.created("one", "gone").await;
    for number in 0..501 {
        certify(&bench, &gone, &number.to_string()).await;
    }
    delete(&bench, &gone).await;
    let mut pieces = Vec::new();
    loop {
        pieces.push(bench.store.forget_history(DAY, in_days(31)).await.unwrap());
        if pieces.last() == Some(&0) {
            break;
        }
    }
    assert_eq!(pieces, [502, 1, 0], "500 certificates with both operations, then the last");
}
