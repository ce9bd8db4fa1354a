//! Deletes history that is old enough.

use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use crate::Conductor;

/// Between two clean-ups. Hourly is enough: history is kept for days.
const INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// When the history was cleaned up last.
#[derive(Default)]
pub(crate) struct History(Option<Timestamp>);

impl History {
    /// Deletes what is old enough, in batches, unless that was done in the last hour.
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
                Err(problem) => return warn!(%problem, "deleting old history"),
            }
        }
        if forgotten > 0 {
            info!(forgotten, "deleted old operations and certificates");
        }
    }
}
