//! The time of day, which tests can stop.

use jiff::Timestamp;
use tokio::time::Instant;

/// Where a conductor takes the time of day from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The machine's.
    System,
    /// Tokio's, which tests pause, counted from a given moment.
    Tokio {
        /// The time of day at `since`.
        base: Timestamp,
        /// When counting began.
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
