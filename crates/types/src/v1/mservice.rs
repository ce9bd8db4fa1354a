//! Conductors: the processes that carry out operations. Contract magnum-v1 section 2.9.

use serde::{Deserialize, Serialize};

/// A conductor process.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Mservice {
    /// Numeric id.
    pub id: i64,
    /// Name of the host that it runs on.
    pub host: String,
    /// Name of the program: `magnum-conductor`.
    pub binary: String,
    /// `up`, or `down` after 180 seconds without a heartbeat.
    pub state: String,
    /// Number of heartbeats.
    pub report_count: u64,
    /// Always false: services cannot be disabled.
    pub disabled: bool,
    /// Always null.
    pub disabled_reason: Option<String>,
    /// Time of the first heartbeat.
    pub created_at: String,
    /// Time of the last heartbeat.
    pub updated_at: Option<String>,
}

/// All processes.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MserviceList {
    /// The processes.
    pub mservices: Vec<Mservice>,
}
