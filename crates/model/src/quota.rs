//! Quotas: how much a project may have (contract magnum-v1 section 2.7; nodes and masters are ours).

use jiff::Timestamp;

/// What quotas limit.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display, strum::EnumString, strum::EnumIter,
)]
pub enum QuotaResource {
    /// Clusters, those that are being deleted included.
    Cluster,
    /// Nodes that are no masters, of all clusters together.
    WorkerNode,
    /// Masters, of all clusters together.
    MasterNode,
}

/// A quota of a project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Number in the database. 0: the next one that is free.
    pub id: i64,
    /// The project.
    pub project_id: String,
    /// What is limited.
    pub resource: QuotaResource,
    /// How many there may be.
    pub hard_limit: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// What projects may have that have no quotas of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaDefaults {
    /// Clusters.
    pub clusters: u32,
    /// Nodes that are no masters; `None`: any number.
    pub worker_nodes: Option<u32>,
    /// Masters; `None`: any number.
    pub master_nodes: Option<u32>,
}

impl Default for QuotaDefaults {
    /// Magnum's 20 clusters (contract magnum-v1 appendix B); it does not count nodes.
    fn default() -> Self {
        Self { clusters: 20, worker_nodes: None, master_nodes: None }
    }
}

impl QuotaDefaults {
    /// How many of a resource; `None`: any number.
    #[must_use]
    pub fn of(self, resource: QuotaResource) -> Option<u32> {
        match resource {
            QuotaResource::Cluster => Some(self.clusters),
            QuotaResource::WorkerNode => self.worker_nodes,
            QuotaResource::MasterNode => self.master_nodes,
        }
    }
}
