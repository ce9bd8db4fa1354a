use jeroboam_types::v1::{Evidence, EvidenceKind};

use super::*;
use crate::{Event, StoreError};

fn evidence(kind: EvidenceKind, number: i64) -> Evidence {
    Evidence { kind, message: format!("seen {number}."), number: Some(number), instance: None, url: None }
}

async fn number(bench: &Bench) -> i64 {
    bench.store.deployment().await.unwrap().number
}

async fn hold(bench: &Bench) {
    bench.store.hold(&[evidence(EvidenceKind::Number, 1000)]).await.unwrap();
}

#[tokio::test]
async fn the_number_rises_with_starts_and_with_all_that_operations_do() {
    let bench = Bench::new().await;
    assert_eq!(number(&bench).await, 0);
    let (started, instance) = bench.store.start_instance("host", None).await.unwrap();
    assert_eq!(started.number, 1);
    assert!(bench.store.knows_instance(instance).await.unwrap());
    assert!(!bench.store.knows_instance(Uuid::new_v4()).await.unwrap());
    let mut last = 1;
    let (cluster, _) = bench.create("one", "c").await;
    for step in ["asked for", "taken and ended"] {
        let now = number(&bench).await;
        assert!(now > last, "{step}");
        last = now;
        if step == "asked for" {
            bench.succeed().await;
        }
    }
    bench.store.request_delete(ClusterId::of(cluster.uuid), asked("one", OperationKind::Delete)).await.unwrap();
    assert!(number(&bench).await > last);
    let before = number(&bench).await;
    bench.record(&cluster).await;
    assert_eq!(number(&bench).await, before, "reading changes nothing");
    bench.store.start_instance("other", None).await.unwrap();
    assert!(number(&bench).await > before);
    let hosts: Vec<String> = bench.store.instances().await.unwrap().into_iter().map(|known| known.host).collect();
    assert_eq!(hosts, ["other", "host"]);
}

#[tokio::test]
async fn servers_are_forgotten_that_are_old_and_superseded_and_left_no_mark() {
    let bench = Bench::new().await;
    let (_, marked) = bench.store.start_instance("busy", None).await.unwrap();
    let (_, first) = bench.store.start_instance("busy", None).await.unwrap();
    let (_, other) = bench.store.start_instance("quiet", None).await.unwrap();
    let mut last = Uuid::nil();
    for _ in 0..50 {
        last = bench.store.start_instance("busy", None).await.unwrap().1;
    }
    let known = async |instance| bench.store.knows_instance(instance).await.unwrap();
    let in_days = |days: i64| Timestamp::now() + SignedDuration::from_hours(24 * days);
    bench.store.forget_instances(&[marked], in_days(29)).await.unwrap();
    assert!(known(first).await, "it is not old");
    bench.store.forget_instances(&[marked], in_days(31)).await.unwrap();
    assert_eq!((known(first).await, known(marked).await, known(other).await), (false, true, true));
    assert!(known(last).await);
    assert_eq!(bench.store.instances().await.unwrap().len(), 52);
}

#[tokio::test]
async fn only_a_database_that_never_had_a_server_takes_over_the_id_of_before() {
    let bench = Bench::new().await;
    let own = bench.store.deployment().await.unwrap().id;
    let (first, _) = bench.store.start_instance("host", Some("of-before")).await.unwrap();
    assert_eq!(first.id, "of-before");
    let (second, _) = bench.store.start_instance("host", Some("another")).await.unwrap();
    assert_eq!(second.id, "of-before");
    let bench = Bench::new().await;
    assert_ne!(bench.store.deployment().await.unwrap().id, own, "every database has its own");
}

#[tokio::test]
async fn nothing_begins_and_nobody_goes_on_while_it_is_held() {
    let bench = Bench::new().await;
    let there = bench.created("one", "there").await;
    let (_, create) = bench.create("one", "begun").await;
    let claim = bench.claim().await;
    bench.create("one", "waits").await;
    hold(&bench).await;
    let before = number(&bench).await;

    let late = bench.store.finish(create.uuid, claim.fence, Outcome::Cancelled).await;
    assert_eq!(late, Err(StoreError::LeaseLost), "whoever was at it has lost it");
    assert_eq!(bench.store.claim("conductor", LEASE, Timestamp::now()).await.unwrap(), None);
    let new = cluster("one", "new", bench.template.uuid);
    let refused =
        bench.store.create_cluster(&bench.template, &new, &groups(&new, 1), asked("one", OperationKind::Create)).await;
    let Err(StoreError::Held { found }) = refused else { panic!("{refused:?}") };
    assert!(found.contains("seen 1000"), "{found}");
    assert!(matches!(bench.store.cluster_by_uuid(&Scope::All, new.uuid).await, Err(StoreError::NotFound { .. })));
    let refused = bench.store.request_delete(ClusterId::of(there.uuid), asked("one", OperationKind::Delete)).await;
    assert!(matches!(refused, Err(StoreError::Held { .. })), "{refused:?}");
    assert_eq!(bench.status(&there).await, Status::CreateComplete, "all of the request was undone");
    assert_eq!(number(&bench).await, before);

    let mut events = bench.store.subscribe();
    bench.store.accept_deployment(0, &[]).await.unwrap();
    assert!(matches!(events.try_recv(), Ok(Event { .. })), "conductors are woken up");
    let again = bench.claim().await;
    assert_eq!(again.operation.uuid, create.uuid, "what was begun goes on");
}

#[tokio::test]
async fn what_was_found_is_kept_once_and_the_newest_of_its_sort() {
    let bench = Bench::new().await;
    let first = bench.store.hold(&[evidence(EvidenceKind::Number, 10)]).await.unwrap();
    let stranger = Evidence { instance: Some(Uuid::new_v4()), ..evidence(EvidenceKind::Instance, 5) };
    bench.store.hold(&[evidence(EvidenceKind::Number, 12), stranger.clone()]).await.unwrap();
    bench.store.hold(std::slice::from_ref(&stranger)).await.unwrap();
    let (started, _) = bench.store.start_instance("host", None).await.unwrap();
    let hold = started.hold.unwrap();
    assert_eq!(hold.evidence, [evidence(EvidenceKind::Number, 12), stranger]);
    assert_eq!(hold.since.as_second(), first.since.as_second(), "a start does not end it");
}

#[tokio::test]
async fn an_accepted_database_is_ahead_of_all_that_was_seen() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "c").await;
    hold(&bench).await;
    let before = bench.store.cluster_revision(cluster.uuid).await.unwrap();
    let dead = (Uuid::new_v4(), "gone".to_owned());
    let accepted = bench.store.accept_deployment(700, &[dead.clone(), dead.clone()]).await.unwrap();
    assert!(accepted.number > 1000, "also of what agents said, which is in the evidence: {accepted:?}");
    assert_eq!((accepted.accepted, accepted.hold), (accepted.number - 1, None));
    let revision = bench.store.cluster_revision(cluster.uuid).await.unwrap();
    assert!(revision > before + 1000, "agents hear of it, whatever they were told since");
    assert!(bench.store.knows_instance(dead.0).await.unwrap());
    hold(&bench).await;
    let accepted = bench.store.accept_deployment(7000, &[dead]).await.unwrap();
    assert!(accepted.number > 7000);
}

#[tokio::test]
async fn a_copy_gets_an_id_of_its_own_and_is_held_no_more() {
    let bench = Bench::new().await;
    let before = bench.store.deployment().await.unwrap();
    hold(&bench).await;
    let renamed = bench.store.rename_deployment("own").await.unwrap();
    assert_eq!((renamed.id.as_str(), renamed.hold), ("own", None));
    assert!(before.id != "own" && renamed.number > before.number);
}

#[tokio::test]
async fn vouchers_are_good_for_one_deployment() {
    let bench = Bench::new().await;
    let voucher = bench.store.voucher("a", 5).unwrap();
    assert_eq!((bench.store.vouched("a", &voucher), bench.store.vouched("b", &voucher)), (Some(5), None));
}
