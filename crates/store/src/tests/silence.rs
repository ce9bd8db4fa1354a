use jeroboam_model::Node;
use tokio::sync::broadcast::Receiver;

use super::node::report;
use super::*;
use crate::{Event, Silence, StoreError};

/// A node that was heard at `at`, and what happens from then on.
async fn heard(bench: &Bench, at: Timestamp) -> (Uuid, Receiver<Event>) {
    let (cluster, _) = bench.create("one", "c").await;
    let node = bench.record(&cluster).await.nodes[0].uuid;
    bench.store.record_report(node, &report(1), at).await.unwrap();
    (node, bench.store.subscribe())
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

async fn seen(bench: &Bench, node: Uuid) -> Node {
    bench.store.node(node).await.unwrap()
}

/// How many events there were since the last look.
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
        assert_eq!(bench.store.mark_silent(node, last).await.unwrap(), Silence::Noticed);
        assert_eq!(events(&mut told, node), 1);
        assert_eq!(seen(&bench, node).await.silent_since, Some(last));
        assert!(seen(&bench, node).await.is_silent(last));
        assert_eq!(bench.store.mark_silent(node, last + seconds(1)).await.unwrap(), Silence::NoNews);
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
    assert_eq!(bench.store.mark_silent(node, earlier).await.unwrap(), Silence::HeardAt(at));
    assert_eq!((events(&mut told, node), seen(&bench, node).await.silent_since), (0, None));
    assert_eq!(bench.store.heard_nodes().await.unwrap(), [(node, at)]);
    bench.store.mark_silent(node, at).await.unwrap();
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
    bench.store.mark_silent(node, at).await.unwrap();
    bench.store.begin_anew(node).await.unwrap();
    let anew = seen(&bench, node).await;
    assert_eq!((anew.reported_at, anew.silent_since), (None, None));
    assert_eq!(bench.store.record_heartbeat(node, Some(at), at + seconds(1)).await.unwrap(), None);
    assert_eq!(bench.store.mark_silent(node, at + seconds(9)).await.unwrap(), Silence::NoNews);
    assert_eq!(seen(&bench, node).await, anew);
    bench.store.remove_node(node).await.unwrap();
    assert_eq!(bench.store.mark_silent(node, at).await.unwrap(), Silence::NoNews);
    let unknown = bench.store.record_heartbeat(node, None, at).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
}
