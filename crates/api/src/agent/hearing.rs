//! Which nodes are heard. An agent says every other second that it lives; that is kept here, in memory, and a node that
//! is not heard any more is written down as silent.
//!
//! Somebody else may hear the node: another process of this deployment. So nothing is written over a later word of
//! theirs. Where nobody listens (this process is down), nobody notices; readers go by the time of the last word then.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jeroboam_store::{Silence, Store, StoreError};
use jeroboam_types::agent::{MISSED_HEARTBEATS, REPORT_SECONDS};
use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

/// Between two looks at who is still heard.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// A look that comes later than this after the one before says nothing about agents: this process itself was stopped, or
/// had no time to listen.
const LATE: Duration = Duration::from_secs(3);

/// Most nodes that are written down as silent in one go: others write in between.
const AT_ONCE: usize = 100;

/// How long an agent may be silent that has not said how often it sends heartbeats: one that knows of none, or one that
/// this process has not heard yet.
const USUAL_PATIENCE: Duration = Duration::from_secs(MISSED_HEARTBEATS * REPORT_SECONDS);

/// Who was heard when.
pub(super) struct Hearing {
    store: Store,
    heard: Mutex<HashMap<Uuid, Heard>>,
    looked: Mutex<Option<Instant>>,
}

/// A node that is heard.
#[derive(Debug, Clone, Copy)]
struct Heard {
    /// When it was heard last, by a clock that nobody sets.
    at: Instant,
    /// The same by the clock that is written down.
    time: Timestamp,
    /// After this it counts as silent.
    patience: Duration,
    /// What this process wrote down last.
    written: Option<Timestamp>,
}

impl Hearing {
    pub(super) fn new(store: Store) -> Self {
        Self { store, heard: Mutex::default(), looked: Mutex::default() }
    }

    /// The node has said something, whatever becomes of it.
    pub(super) fn word(&self, node: Uuid, now: Instant) {
        if let Some(heard) = self.lock().get_mut(&node) {
            (heard.at, heard.time) = (now, Timestamp::now());
        }
    }

    /// The node lives, and will say so again after so many seconds. False when it has no report.
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

    /// A report of the node was written down at this time.
    pub(super) fn reported(&self, node: Uuid, time: Timestamp, now: Instant) {
        let patience = self.lock().get(&node).map_or(USUAL_PATIENCE, |heard| heard.patience);
        self.keep(node, Heard { at: now, time, patience, written: Some(time) });
    }

    /// Looks at who is still heard, for as long as it is polled.
    pub(super) async fn listen(&self) {
        match self.store.heard_nodes().await {
            Ok(nodes) => self.expect(nodes, Instant::now()),
            Err(error) => tracing::warn!("nodes that were heard before this start are not listened for: {error}"),
        }
        loop {
            self.look(Instant::now()).await;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// These were heard before this process began: from now on they are to be heard again.
    pub(super) fn expect(&self, nodes: Vec<(Uuid, Timestamp)>, now: Instant) {
        let mut heard = self.lock();
        for (node, time) in nodes {
            heard.entry(node).or_insert(Heard::elsewhere(time, now));
        }
    }

    /// Writes down who has fallen silent.
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
                Err(error) => return tracing::warn!("writing down that agents of nodes are silent: {error}"),
            }
        }
    }

    /// What came of writing down that a node is silent which was heard at `last`.
    fn learn(&self, node: Uuid, last: &Heard, outcome: Silence, now: Instant) {
        if outcome == Silence::Noticed {
            tracing::warn!(%node, since = %last.time, "the agent of a node is silent");
        }
        let mut heard = self.lock();
        // It may have been heard meanwhile.
        if heard.get(&node).is_some_and(|now| now.at == last.at) {
            match outcome {
                Silence::HeardAt(time) => _ = heard.insert(node, Heard::elsewhere(time, now)),
                Silence::Noticed | Silence::NoNews => _ = heard.remove(&node),
            }
        }
    }

    /// Who has been silent for too long.
    fn silent(&self, now: Instant) -> Vec<(Uuid, Heard)> {
        let before = self.looked.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        let mut heard = self.lock();
        if let Some(pause) = before.map(|before| now.duration_since(before)).filter(|pause| *pause > LATE) {
            tracing::warn!(?pause, "this process was stopped or very busy: agents get time to be heard anew");
            heard.values_mut().for_each(|heard| heard.at = now);
            return Vec::new();
        }
        let is_silent = |heard: &Heard| now.duration_since(heard.at) > heard.patience;
        heard.iter().filter(|(_, heard)| is_silent(heard)).map(|(node, heard)| (*node, *heard)).collect()
    }

    /// Keeps that a node was heard; of two words the later one counts.
    fn keep(&self, node: Uuid, new: Heard) {
        let mut heard = self.lock();
        let known = heard.get(&node);
        let at = known.map_or(new.at, |known| known.at.max(new.at));
        let time = known.map_or(new.time, |known| known.time.max(new.time));
        heard.insert(node, Heard { at, time, ..new });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Heard>> {
        // Nothing in here is left half done by a panic.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    /// Another process wrote down at this time that it heard the node. It is to do so again before long.
    fn elsewhere(time: Timestamp, now: Instant) -> Self {
        Self { at: now, time, patience: USUAL_PATIENCE, written: None }
    }
}
