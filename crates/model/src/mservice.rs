//! Processes that do the work, and whether they live (contract magnum-v1 section 2.9).

use jiff::{SignedDuration, Timestamp};

/// How long a process may say nothing before it counts as down (Magnum's `service_down_time`).
pub const DOWN_AFTER: SignedDuration = SignedDuration::from_secs(180);

/// Between two signs of life: three may be lost before anybody calls the process down.
pub const BEAT_EVERY: SignedDuration = SignedDuration::from_secs(45);

/// A process that does the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mservice {
    /// Number in the database.
    pub id: i64,
    /// The machine that it runs on.
    pub host: String,
    /// What it is.
    pub binary: String,
    /// Signs of life so far.
    pub report_count: u64,
    /// The first one.
    pub created_at: Timestamp,
    /// The last one.
    pub reported_at: Timestamp,
}

impl Mservice {
    /// Whether the process lives, as far as anybody can tell.
    #[must_use]
    pub fn is_up(&self, now: Timestamp) -> bool {
        now.duration_since(self.reported_at) <= DOWN_AFTER
    }
}
