use jeroboam_model::{Node, NodePhase, Report};
use jeroboam_types::agent::Facts;

use super::*;
use crate::{Event, StoreError};

const KEY: &str = "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f5a1b2c3d";
const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

async fn node(bench: &Bench) -> Node {
    let (cluster, _) = bench.create("one", "c").await;
    bench.record(&cluster).await.nodes.remove(0)
}

pub(super) fn report(revision: u64) -> Report {
    Report {
        revision,
        authorities: 0,
        phase: NodePhase::Up,
        components: Vec::new(),
        problem: None,
        facts: Facts { kernel: "6.1".to_owned(), ..Facts::default() },
        swarm: None,
        engine_nodes: None,
    }
}

#[tokio::test]
async fn a_token_is_good_once() {
    let bench = Bench::new().await;
    let node = node(&bench).await;
    bench.store.issue_token(node.uuid, HASH, later(60)).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (store, uuid) = (bench.store.clone(), node.uuid);
        tasks.spawn(async move { store.enroll(uuid, HASH, &format!("key-{number}"), Timestamp::now()).await });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(is_not_found));
    assert!(bench.store.node(node.uuid).await.unwrap().enrolled);
}

#[tokio::test]
async fn who_used_a_token_may_come_again_with_the_same_key_and_nobody_else() {
    let bench = Bench::new().await;
    let node = node(&bench).await;
    bench.store.issue_token(node.uuid, HASH, later(60)).await.unwrap();
    for _ in 0..2 {
        bench.store.enroll(node.uuid, HASH, KEY, Timestamp::now()).await.unwrap();
    }
    let other = bench.store.enroll(node.uuid, HASH, &"e".repeat(64), Timestamp::now()).await;
    assert!(is_not_found(&other.unwrap_err()));
}

fn is_not_found(error: &StoreError) -> bool {
    matches!(error, StoreError::NotFound { .. })
}

#[tokio::test]
async fn a_wrong_expired_or_other_nodes_token_is_refused() {
    let bench = Bench::new().await;
    let node = node(&bench).await;
    let other = bench.store.nodes(node.cluster).await.unwrap().remove(1);
    bench.store.issue_token(node.uuid, HASH, later(60)).await.unwrap();
    let store = &bench.store;
    assert!(is_not_found(&store.enroll(node.uuid, &"0".repeat(64), KEY, Timestamp::now()).await.unwrap_err()));
    assert!(is_not_found(&store.enroll(node.uuid, "", KEY, Timestamp::now()).await.unwrap_err()));
    assert!(is_not_found(&store.enroll(other.uuid, HASH, KEY, Timestamp::now()).await.unwrap_err()));
    assert!(is_not_found(&store.enroll(Uuid::new_v4(), HASH, KEY, Timestamp::now()).await.unwrap_err()));
    assert!(is_not_found(&store.enroll(node.uuid, HASH, KEY, later(61)).await.unwrap_err()));
    assert!(!store.node(node.uuid).await.unwrap().enrolled);
    store.enroll(node.uuid, HASH, KEY, Timestamp::now()).await.unwrap();
    assert!(is_not_found(&store.issue_token(Uuid::new_v4(), HASH, later(60)).await.unwrap_err()));
}

#[tokio::test]
async fn a_token_given_out_for_nothing_does_not_shut_out_the_one_in_use() {
    let bench = Bench::new().await;
    let node = node(&bench).await;
    bench.store.issue_token(node.uuid, HASH, later(60)).await.unwrap();
    bench.store.issue_token(node.uuid, &"b".repeat(64), later(60)).await.unwrap();
    bench.store.begin_anew(node.uuid).await.unwrap();
    bench.store.enroll(node.uuid, HASH, KEY, Timestamp::now()).await.unwrap();
}

#[tokio::test]
async fn addresses_and_the_end_of_nodes_concern_agents_and_reports_do_not() {
    let bench = Bench::new().await;
    let node = node(&bench).await;
    let store = &bench.store;
    let revision = || async { store.cluster_revision(node.cluster).await.unwrap() };
    let start = revision().await;
    let address = "172.18.0.10".parse().unwrap();
    let mut events = store.subscribe();
    let of_node = Event { cluster: node.cluster, operation: None, node: Some(node.uuid) };

    store.set_machine(node.uuid, "abc", None).await.unwrap();
    assert_eq!(revision().await, start);
    store.set_machine(node.uuid, "abc", Some(address)).await.unwrap();
    assert_eq!(revision().await, start + 1);
    assert_eq!((events.try_recv().unwrap(), events.try_recv().unwrap()), (of_node, of_node));
    store.set_machine(node.uuid, "abc", Some(address)).await.unwrap();
    assert_eq!(revision().await, start + 1, "nothing changed");
    assert!(events.try_recv().is_err());

    let at = now();
    store.record_report(node.uuid, &report(7), at).await.unwrap();
    assert_eq!(events.try_recv().unwrap(), of_node);
    assert_eq!(revision().await, start + 1);
    let found = store.node(node.uuid).await.unwrap();
    assert_eq!((found.machine_id.as_deref(), found.address), (Some("abc"), Some(address)));
    assert_eq!((found.report, found.reported_at), (Some(report(7)), Some(at)));

    store.begin_anew(node.uuid).await.unwrap();
    assert_eq!(revision().await, start + 2);
    let before = Node { joined_at: Some(at), ..node.clone() };
    assert_eq!(store.node(node.uuid).await.unwrap(), before, "as before there was a machine, but that it has been up");

    store.remove_node(node.uuid).await.unwrap();
    assert_eq!(revision().await, start + 3);
    store.remove_node(node.uuid).await.unwrap();
    assert_eq!(revision().await, start + 3, "it was gone already");
    assert!(is_not_found(&store.node(node.uuid).await.unwrap_err()));
    assert!(is_not_found(&store.record_report(node.uuid, &report(7), at).await.unwrap_err()));
    assert!(is_not_found(&store.set_machine(node.uuid, "abc", None).await.unwrap_err()));
}

#[tokio::test]
async fn a_node_with_a_token_can_be_removed() {
    let bench = Bench::new().await;
    let node = node(&bench).await;
    bench.store.issue_token(node.uuid, HASH, later(60)).await.unwrap();
    bench.store.remove_node(node.uuid).await.unwrap();
    assert!(is_not_found(&bench.store.enroll(node.uuid, HASH, KEY, Timestamp::now()).await.unwrap_err()));
}
