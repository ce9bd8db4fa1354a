use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use jeroboam_model::Node;
use tokio::sync::broadcast::Receiver;

use super::node::report;
use super::*;
use crate::{Event, Silence, StoreError};

/// A node that was heard at `at`, and the events from then on.
async fn heard(bench: &Bench, at: Timestamp) -> (Uuid, Receiver<Event>) {
    let (cluster, _) = bench.create("one", "c").await;
    let node = bench.record(&cluster).await.nodes[0].uuid;
    bench.store.record_report(node, &report(1), at).await.unwrap();
    (node, bench.store.subscribe())
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// Marks one node as silent.
async fn mark(bench: &Bench, node: Uuid, last: Timestamp) -> Silence {
    bench.store.mark_silent(&[(node, last)]).await.unwrap()[0]
}

async fn seen(bench: &Bench, node: Uuid) -> Node {
    bench.store.node(node).await.unwrap()
}

/// Number of events since the last call.
fn events(events: &mut Receiver<Event>, node: Uuid) -> usize {
    let mut count = 0;
    while let Ok(event) = events.try_recv() {
        assert_eq!(event.node, Some(node));
        count += 1;
    }
    count
}

#[tokio::test]
async fn silence_is_noticed_once_and_ends_with_a_heartbeat_or_a_report() {
    let bench = Bench::new().await;
    let at = now();
    let (node, mut told) = heard(&bench, at).await;
    for by_report in [false, true] {
        let last = at + seconds(2);
        assert_eq!(mark(&bench, node, last).await, Silence::Noticed);
        assert_eq!(events(&mut told, node), 1);
        assert_eq!(seen(&bench, node).await.silent_since, Some(last));
        assert!(seen(&bench, node).await.is_silent(last));
        assert_eq!(mark(&bench, node, last + seconds(1)).await, Silence::NoNews);
        assert_eq!((events(&mut told, node), seen(&bench, node).await.silent_since), (0, Some(last)));
        if by_report {
            bench.store.record_report(node, &report(1), at).await.unwrap();
        } else {
            assert_eq!(bench.store.record_heartbeat(node, Some(at), at).await.unwrap(), Some(at));
        }
        assert_eq!(events(&mut told, node), 1);
        assert_eq!(seen(&bench, node).await.silent_since, None);
    }
}

#[tokio::test]
async fn who_was_heard_by_somebody_else_since_is_not_silent() {
    let bench = Bench::new().await;
    let at = now();
    let (node, mut told) = heard(&bench, at).await;
    let earlier = at - SignedDuration::from_micros(1);
    assert_eq!(mark(&bench, node, earlier).await, Silence::HeardAt(at));
    assert_eq!((events(&mut told, node), seen(&bench, node).await.silent_since), (0, None));
    assert_eq!(bench.store.heard_nodes().await.unwrap(), [(node, at)]);
    mark(&bench, node, at).await;
    assert_eq!(bench.store.heard_nodes().await.unwrap(), []);
}

#[tokio::test]
async fn heartbeats_are_written_down_now_and_then_and_by_whoever_hears_them_first() {
    let bench = Bench::new().await;
    let at = now();
    let (node, mut told) = heard(&bench, at).await;
    let beat = async |own, after| bench.store.record_heartbeat(node, own, at + seconds(after)).await.unwrap();
    assert_eq!(beat(Some(at), 9).await, Some(at));
    assert_eq!(seen(&bench, node).await.reported_at, Some(at));
    let (ten, eleven) = (at + seconds(10), at + seconds(11));
    assert_eq!(beat(Some(at), 10).await, Some(ten));
    assert_eq!(beat(None, 11).await, Some(eleven), "who has written nothing yet");
    assert_eq!(beat(Some(ten), 12).await, Some(at + seconds(12)), "somebody else has written since");
    assert_eq!(events(&mut told, node), 0, "nothing of that is news");
    assert_eq!(beat(Some(at + seconds(12)), 43).await, Some(at + seconds(43)));
    assert_eq!(events(&mut told, node), 1, "nobody had noticed that it was silent, but it counted as such");
}

#[tokio::test]
async fn the_same_report_again_is_no_news_and_another_is() {
    let bench = Bench::new().await;
    let at = now();
    let (node, mut told) = heard(&bench, at).await;
    bench.store.record_report(node, &report(1), at + seconds(10)).await.unwrap();
    assert_eq!(events(&mut told, node), 0);
    assert_eq!(seen(&bench, node).await.reported_at, Some(at + seconds(10)));
    bench.store.record_report(node, &report(2), at + seconds(11)).await.unwrap();
    assert_eq!(events(&mut told, node), 1);
    assert_eq!(seen(&bench, node).await.report, Some(report(2)));
    bench.store.record_report(node, &report(2), at + seconds(42)).await.unwrap();
    assert_eq!(events(&mut told, node), 1, "it had counted as silent");
}

#[tokio::test]
async fn a_heartbeat_of_a_machine_of_before_says_nothing_of_the_one_that_comes() {
    let bench = Bench::new().await;
    let at = now();
    let (node, _) = heard(&bench, at).await;
    mark(&bench, node, at).await;
    bench.store.begin_anew(node).await.unwrap();
    let anew = seen(&bench, node).await;
    assert_eq!((anew.reported_at, anew.silent_since), (None, None));
    assert_eq!(bench.store.record_heartbeat(node, Some(at), at + seconds(1)).await.unwrap(), None);
    assert_eq!(mark(&bench, node, at + seconds(9)).await, Silence::NoNews);
    assert_eq!(seen(&bench, node).await, anew);
    bench.store.remove_node(node).await.unwrap();
    assert_eq!(mark(&bench, node, at).await, Silence::NoNews);
    let unknown = bench.store.record_heartbeat(node, None, at).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
}

#[tokio::test]
async fn many_are_written_down_at_once_and_each_is_told_of() {
    let (bench, statements) = Bench::counting().await;
    let at = now();
    let mut nodes = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let (cluster, _) = bench.create("one", name).await;
        nodes.extend(bench.record(&cluster).await.nodes.iter().map(|node| node.uuid));
    }
    for (number, node) in nodes.iter().enumerate() {
        let second = if number == 5 { 1 } else { 0 };
        bench.store.record_report(*node, &report(1), at + seconds(second)).await.unwrap();
    }
    let mut last_words: Vec<_> = nodes.iter().map(|node| (*node, at)).collect();
    last_words.push((Uuid::new_v4(), at));
    let mut told = bench.store.subscribe();
    let before = statements.load(Ordering::SeqCst);
    let outcomes = bench.store.mark_silent(&last_words).await.unwrap();
    // One statement for each node, plus begin, commit and the final read.
    assert!(statements.load(Ordering::SeqCst) - before <= last_words.len() + 3);
    let mut expected = vec![Silence::Noticed; nodes.len()];
    expected[5] = Silence::HeardAt(at + seconds(1));
    expected.push(Silence::NoNews);
    assert_eq!(outcomes, expected);
    let mut events = Vec::new();
    while let Ok(event) = told.try_recv() {
        events.extend(event.node);
    }
    nodes.remove(5);
    assert_eq!(events, nodes);
}

#[tokio::test]
async fn that_many_live_is_kept_at_once_but_of_those_that_have_to_report() {
    let bench = Bench::new().await;
    let at = now();
    let (node, _) = heard(&bench, at).await;
    let (other, _) = bench.create("one", "d").await;
    let nodes = bench.record(&other).await.nodes;
    let (unheard, silent) = (nodes[0].uuid, nodes[1].uuid);
    bench.store.record_report(silent, &report(1), at).await.unwrap();
    mark(&bench, silent, at).await;
    let mut told = bench.store.subscribe();
    let later = at + seconds(10);
    let without = bench.store.record_lives(&[node, unheard, silent, Uuid::new_v4()], later).await.unwrap();
    assert_eq!(BTreeSet::from_iter(without), BTreeSet::from([unheard, silent]));
    let heard = [seen(&bench, node).await, seen(&bench, unheard).await, seen(&bench, silent).await];
    assert_eq!(heard.map(|node| node.reported_at), [Some(later), None, Some(at)]);
    assert_eq!(events(&mut told, node), 0, "nothing of that is news");
}
