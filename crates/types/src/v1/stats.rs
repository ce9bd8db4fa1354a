//! Counts. Contract magnum-v1 section 2.8.

use serde::{Deserialize, Serialize};

/// How much there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Stats {
    /// Clusters.
    pub clusters: u64,
    /// Their nodes, masters included.
    pub nodes: u64,
}
