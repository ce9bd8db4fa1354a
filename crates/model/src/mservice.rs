//! Processes that do the work, and whether they are up (contract magnum-v1 section 2.9).

use jiff::{SignedDuration, Timestamp};

/// Time without a heartbeat after which a process counts as down (Magnum's `service_down_time`).
pub const DOWN_AFTER: SignedDuration = SignedDuration::from_secs(180);

/// Interval of heartbeats: three may be lost before a process counts as down.
pub const BEAT_EVERY: SignedDuration = SignedDuration::from_secs(45);

/// A process that does the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mservice {
    /// Number in the database; shown by the API.
    pub id: i64,
    /// The host that it runs on.
    pub host: String,
    /// Name of its program.
    pub binary: String,
    /// Number of heartbeats.
    pub report_count: u64,
    /// First heartbeat.
    pub created_at: Timestamp,
    /// Last heartbeat.
    pub reported_at: Timestamp,
}

impl Mservice {
    /// Whether the process is up, judged by its heartbeats.
    #[must_use]
    pub fn is_up(&self, now: Timestamp) -> bool {
        now.duration_since(self.reported_at) <= DOWN_AFTER
    }
}
