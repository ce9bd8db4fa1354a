//! Forgets the history of clusters that are gone, once it is old enough.

use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use crate::Conductor;

/// Between two looks for what is old enough: it is kept for days.
const INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// When the history was looked at last.
#[derive(Default)]
pub(crate) struct History(Option<Timestamp>);

impl History {
    /// Forgets what is old enough, piece by piece, if it was not looked at in the last hour.
    pub(crate) async fn forget(&mut self, conductor: &Conductor) {
        let now = conductor.clock.now();
        if self.0.is_some_and(|last| now.duration_since(last) < INTERVAL) {
            return;
        }
        self.0 = Some(now);
        let mut forgotten = 0;
        loop {
            match conductor.store.forget_history(conductor.settings.keep_history, now).await {
                Ok(0) => break,
                Ok(more) => forgotten += more,
                Err(problem) => return warn!(%problem, "forgetting old history"),
            }
        }
        if forgotten > 0 {
            info!(forgotten, "forgot old operations and certificates of clusters that are gone");
        }
    }
}
