//! The time of day, which tests can stop.

use jiff::Timestamp;
use tokio::time::Instant;

/// Source of the time of day.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The system's clock.
    System,
    /// Tokio's clock, which tests can pause, counted from a given time.
    Tokio {
        /// The time of day at `since`.
        base: Timestamp,
        /// The instant that counts as `base`.
        since: Instant,
    },
}

impl Clock {
    /// Tokio's clock, counting from now.
    #[must_use]
    pub fn tokio() -> Self {
        Self::Tokio { base: Timestamp::now(), since: Instant::now() }
    }

    /// The time of day.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Tokio { base, since } => base.saturating_add(since.elapsed()).unwrap_or(Timestamp::MAX),
        }
    }
}
