//! Which nodes count as silent. Each check gets its time as a parameter, so that minutes of silence take no time.

use std::time::Duration;

use jeroboam_model::{EngineKind, Node, NodePhase};
use jeroboam_store::Event;
use jiff::Timestamp;
use reqwest::StatusCode;
use tokio::sync::broadcast::Receiver;
use tokio::time::Instant;
use uuid::Uuid;

use super::world::{World, report};
use crate::agent::hearing::Hearing;

/// The node was never found silent.
const NEVER: [u64; 0] = [];

/// A second process that hears nodes besides that of the world, and a node that has reported to the latter.
struct Bench {
    world: World,
    hearing: Hearing,
    node: Uuid,
    start: Instant,
    events: Receiver<Event>,
}

impl Bench {
    async fn new() -> Self {
        let world = World::new().await;
        let node = world.bare_cluster(EngineKind::KUBERNETES).await[1].uuid;
        world.store.record_report(node, &report(NodePhase::Up), Timestamp::now()).await.unwrap();
        let (hearing, events) = (Hearing::new(world.store.clone()), world.store.subscribe());
        Self { world, hearing, node, start: Instant::now(), events }
    }

    fn at(&self, second: u64) -> Instant {
        self.start + Duration::from_secs(second)
    }

    /// A heartbeat at this second, from an agent that sends one every other second.
    async fn beat(&self, second: u64) -> bool {
        self.hearing.heartbeat(self.node, 2, self.at(second)).await.unwrap()
    }

    /// Checks once per second. Returns the seconds at which the node was found silent.
    async fn look(&mut self, seconds: std::ops::RangeInclusive<u64>) -> Vec<u64> {
        let mut found = Vec::new();
        for second in seconds {
            self.hearing.look(self.at(second)).await;
            if self.news() > 0 {
                assert!(self.seen().await.silent_since.is_some());
                found.push(second);
            }
        }
        found
    }

    async fn seen(&self) -> Node {
        self.world.store.node(self.node).await.unwrap()
    }

    /// How many events there were about the node since the last call.
    fn news(&mut self) -> usize {
        let mut count = 0;
        while let Ok(event) = self.events.try_recv() {
            assert_eq!(event.node, Some(self.node));
            count += 1;
        }
        count
    }
}

#[tokio::test]
async fn a_silent_node_is_noticed_once_within_seconds_and_its_next_word_is_news() {
    let mut bench = Bench::new().await;
    for second in [0, 2, 4] {
        assert!(bench.beat(second).await);
        assert_eq!(bench.look(second..=second + 1).await, NEVER);
    }
    assert_eq!(bench.look(6..=60).await, [11]);
    assert!(bench.beat(61).await);
    assert_eq!((bench.news(), bench.seen().await.silent_since), (1, None));
    assert_eq!(bench.look(61..=80).await, [68]);
    let now = Timestamp::now();
    bench.world.store.record_report(bench.node, &report(NodePhase::Up), now).await.unwrap();
    bench.hearing.reported(bench.node, now, bench.at(81));
    assert_eq!((bench.news(), bench.seen().await.silent_since), (1, None));
}

#[tokio::test]
async fn any_call_is_a_word() {
    let mut bench = Bench::new().await;
    bench.beat(0).await;
    assert_eq!(bench.look(0..=5).await, NEVER);
    bench.hearing.word(bench.node, bench.at(5));
    assert_eq!(bench.look(6..=20).await, [12]);
}

#[tokio::test]
async fn after_a_pause_of_the_server_nobody_is_silent_before_there_was_time_to_call() {
    let mut bench = Bench::new().await;
    bench.beat(0).await;
    assert_eq!(bench.look(0..=3).await, NEVER);
    assert_eq!(bench.look(60..=66).await, NEVER, "the pause does not count");
    assert_eq!(bench.look(67..=70).await, [67], "the silence after it does");
}

#[tokio::test]
async fn after_a_restart_nobody_is_silent_before_there_was_time_to_call() {
    let mut bench = Bench::new().await;
    let heard = bench.world.store.heard_nodes().await.unwrap();
    assert_eq!(heard.len(), 1);
    bench.hearing.expect(heard.clone(), bench.at(0));
    assert_eq!(bench.look(0..=30).await, NEVER);
    assert_eq!(bench.look(31..=40).await, [31], "one that died meanwhile is noticed as well");
    // From its first heartbeat on their interval is known.
    bench.beat(41).await;
    assert_eq!(bench.news(), 1);
    bench.hearing.expect(heard, bench.at(42));
    assert_eq!(bench.look(42..=60).await, [48]);
}

#[tokio::test]
async fn agents_that_know_of_no_heartbeats_have_the_time_of_three_reports() {
    let mut bench = Bench::new().await;
    for second in [0, 10, 20] {
        let now = Timestamp::now();
        bench.world.store.record_report(bench.node, &report(NodePhase::Up), now).await.unwrap();
        bench.hearing.reported(bench.node, now, bench.at(second));
        assert_eq!(bench.look(second..=second + 9).await, NEVER);
    }
    assert_eq!(bench.look(30..=60).await, [51]);
}

#[tokio::test]
async fn a_node_that_calls_another_process_now_is_not_silent() {
    let mut bench = Bench::new().await;
    bench.beat(0).await;
    let other = Hearing::new(bench.world.store.clone());
    assert!(other.heartbeat(bench.node, 2, bench.at(2)).await.unwrap());
    let reported_at = bench.seen().await.reported_at;
    assert_eq!(bench.look(0..=36).await, NEVER);
    assert_eq!(bench.seen().await.reported_at, reported_at, "it moved, and nothing was written since");
    // The other process died with the node: this one has heard neither for long enough.
    assert_eq!(bench.look(37..=40).await, [38]);
}

#[tokio::test]
async fn a_node_that_came_back_from_another_process_is_not_silent_there() {
    let mut bench = Bench::new().await;
    bench.beat(0).await;
    let other = Hearing::new(bench.world.store.clone());
    other.heartbeat(bench.node, 2, bench.at(1)).await.unwrap();
    bench.beat(2).await;
    for second in 1..=12 {
        other.look(bench.at(second)).await;
    }
    assert_eq!((bench.news(), bench.seen().await.silent_since), (0, None));
}

#[tokio::test]
async fn heartbeats_over_the_wire_are_heard_and_their_end_is_told() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let agent = world.enrolled(&nodes[1]).await;
    assert_eq!(agent.heartbeat(1).await, StatusCode::RESET_CONTENT, "a report is required first");
    assert_eq!(agent.report(&report(NodePhase::Up)).await, StatusCode::NO_CONTENT);
    assert_eq!(agent.heartbeat(1).await, StatusCode::NO_CONTENT);
    let mut events = world.store.subscribe();
    let told = tokio::time::timeout(Duration::from_secs(10), events.recv()).await.unwrap().unwrap();
    assert_eq!(told.node, Some(nodes[1].uuid));
    assert!(world.store.node(nodes[1].uuid).await.unwrap().silent_since.is_some());
    assert_eq!(agent.heartbeat(1).await, StatusCode::NO_CONTENT);
    assert_eq!(world.store.node(nodes[1].uuid).await.unwrap().silent_since, None);
}

#[tokio::test]
async fn heartbeats_are_taken_from_known_nodes_only() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    assert_eq!(world.stranger().heartbeat(2).await, StatusCode::UNAUTHORIZED);
    let agent = world.enrolled(&nodes[2]).await;
    world.store.remove_node(nodes[2].uuid).await.unwrap();
    assert_eq!(agent.heartbeat(2).await, StatusCode::NOT_FOUND, "as in a database from before the node was created");
}
