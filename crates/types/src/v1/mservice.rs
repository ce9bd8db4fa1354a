//! Processes that do the work. Contract magnum-v1 section 2.9.

use serde::{Deserialize, Serialize};

/// A process.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Mservice {
    /// Number.
    pub id: i64,
    /// The machine that it runs on.
    pub host: String,
    /// What it is: `magnum-conductor`.
    pub binary: String,
    /// `up`, or `down` after 180 seconds without a sign of life.
    pub state: String,
    /// Signs of life so far.
    pub report_count: u64,
    /// Always false: nothing disables one.
    pub disabled: bool,
    /// Always null.
    pub disabled_reason: Option<String>,
    /// The first sign of life.
    pub created_at: String,
    /// The last one.
    pub updated_at: Option<String>,
}

/// All processes.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MserviceList {
    /// The processes.
    pub mservices: Vec<Mservice>,
}
