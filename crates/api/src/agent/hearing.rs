//! Which nodes send heartbeats. An agent sends one every other second; they are tracked here, in memory, and a node
//! whose heartbeats stop is recorded as silent.
//!
//! Another process of this deployment may hear the node. So nothing overwrites its later record. While no process is
//! up, silence is not recorded; readers then use the time of the last heartbeat.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jeroboam_store::{Silence, Store, StoreError};
use jeroboam_types::agent::{MISSED_HEARTBEATS, REPORT_SECONDS};
use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

/// Interval of checks for silent nodes.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// A check that comes later than this after the previous one says nothing about agents: this process was stopped, or
/// had no time to receive heartbeats.
const LATE: Duration = Duration::from_secs(3);

/// Most nodes that are recorded as silent in one transaction, so that others can write in between.
const AT_ONCE: usize = 100;

/// How long an agent may be silent whose heartbeat interval is unknown: an old agent without heartbeats, or one that
/// this process has not heard yet.
const USUAL_PATIENCE: Duration = Duration::from_secs(MISSED_HEARTBEATS * REPORT_SECONDS);

/// When each node was last heard.
pub(super) struct Hearing {
    store: Store,
    heard: Mutex<HashMap<Uuid, Heard>>,
    looked: Mutex<Option<Instant>>,
}

/// The last heartbeat of a node.
#[derive(Debug, Clone, Copy)]
struct Heard {
    /// When it was last heard, by the monotonic clock.
    at: Instant,
    /// The same by the wall clock, as recorded.
    time: Timestamp,
    /// After this it counts as silent.
    patience: Duration,
    /// What this process recorded last.
    written: Option<Timestamp>,
}

impl Hearing {
    pub(super) fn new(store: Store) -> Self {
        Self { store, heard: Mutex::default(), looked: Mutex::default() }
    }

    /// The node has sent a call, whatever its outcome.
    pub(super) fn word(&self, node: Uuid, now: Instant) {
        if let Some(heard) = self.lock().get_mut(&node) {
            (heard.at, heard.time) = (now, Timestamp::now());
        }
    }

    /// The node is alive, and sends the next heartbeat after this many seconds. False when it has no report.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and when the database refuses.
    pub(super) async fn heartbeat(&self, node: Uuid, seconds: u64, now: Instant) -> Result<bool, StoreError> {
        self.word(node, now);
        let own = self.lock().get(&node).and_then(|heard| heard.written);
        let time = Timestamp::now();
        let written = self.store.record_heartbeat(node, own, time).await?;
        let patience = Duration::from_secs(MISSED_HEARTBEATS * seconds.clamp(1, REPORT_SECONDS));
        self.keep(node, Heard { at: now, time, patience, written });
        Ok(written.is_some())
    }

    /// A report of the node was recorded at this time.
    pub(super) fn reported(&self, node: Uuid, time: Timestamp, now: Instant) {
        let patience = self.lock().get(&node).map_or(USUAL_PATIENCE, |heard| heard.patience);
        self.keep(node, Heard { at: now, time, patience, written: Some(time) });
    }

    /// Checks for silent nodes, for as long as it is polled.
    pub(super) async fn listen(&self) {
        match self.store.heard_nodes().await {
            Ok(nodes) => self.expect(nodes, Instant::now()),
            Err(error) => tracing::warn!("cannot watch the nodes that were heard before this start: {error}"),
        }
        loop {
            self.look(Instant::now()).await;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Starts to expect heartbeats of nodes that were heard before this process started.
    pub(super) fn expect(&self, nodes: Vec<(Uuid, Timestamp)>, now: Instant) {
        let mut heard = self.lock();
        for (node, time) in nodes {
            heard.entry(node).or_insert(Heard::elsewhere(time, now));
        }
    }

    /// Records which nodes have fallen silent.
    pub(super) async fn look(&self, now: Instant) {
        for silent in self.silent(now).chunks(AT_ONCE) {
            let last_words: Vec<_> = silent.iter().map(|(node, last)| (*node, last.time)).collect();
            match self.store.mark_silent(&last_words).await {
                Ok(outcomes) => {
                    silent
                        .iter()
                        .zip(outcomes)
                        .for_each(|((node, last), outcome)| self.learn(*node, last, outcome, now));
                }
                Err(error) => return tracing::warn!("recording that agents of nodes are silent: {error}"),
            }
        }
    }

    /// Handles the outcome of recording that a node is silent which was last heard at `last`.
    fn learn(&self, node: Uuid, last: &Heard, outcome: Silence, now: Instant) {
        if outcome == Silence::Noticed {
            tracing::warn!(%node, since = %last.time, "the agent of a node is silent");
        }
        let mut heard = self.lock();
        // The node may have been heard in the meantime.
        if heard.get(&node).is_some_and(|now| now.at == last.at) {
            match outcome {
                Silence::HeardAt(time) => _ = heard.insert(node, Heard::elsewhere(time, now)),
                Silence::Noticed | Silence::NoNews => _ = heard.remove(&node),
            }
        }
    }

    /// The nodes that have been silent for too long.
    fn silent(&self, now: Instant) -> Vec<(Uuid, Heard)> {
        let before = self.looked.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        let mut heard = self.lock();
        if let Some(pause) = before.map(|before| now.duration_since(before)).filter(|pause| *pause > LATE) {
            tracing::warn!(?pause, "this process was stopped or very busy: agents get time to send heartbeats again");
            heard.values_mut().for_each(|heard| heard.at = now);
            return Vec::new();
        }
        let is_silent = |heard: &Heard| now.duration_since(heard.at) > heard.patience;
        heard.iter().filter(|(_, heard)| is_silent(heard)).map(|(node, heard)| (*node, *heard)).collect()
    }

    /// Stores that a node was heard; the later of two times counts.
    fn keep(&self, node: Uuid, new: Heard) {
        let mut heard = self.lock();
        let known = heard.get(&node);
        let at = known.map_or(new.at, |known| known.at.max(new.at));
        let time = known.map_or(new.time, |known| known.time.max(new.time));
        heard.insert(node, Heard { at, time, ..new });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Heard>> {
        // A panic leaves nothing in here half done.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    /// Another process recorded at this time that it heard the node. It should do so again soon.
    fn elsewhere(time: Timestamp, now: Instant) -> Self {
        Self { at: now, time, patience: USUAL_PATIENCE, written: None }
    }
}
