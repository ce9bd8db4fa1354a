//! Statistics. Contract magnum-v1 section 2.8.

use serde::{Deserialize, Serialize};

/// Numbers of clusters and nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Stats {
    /// Number of clusters.
    pub clusters: u64,
    /// Number of nodes, masters included.
    pub nodes: u64,
}
