//! Quotas of projects (contract magnum-v1 section 2.7; those for nodes and masters are Jeroboam's own).

use jiff::Timestamp;

/// Resources that quotas limit.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display, strum::EnumString, strum::EnumIter,
)]
pub enum QuotaResource {
    /// Clusters, including those that are being deleted.
    Cluster,
    /// Worker nodes of all clusters together.
    WorkerNode,
    /// Masters of all clusters together.
    MasterNode,
}

/// A quota of a project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Number in the database; 0: assigned when it is stored.
    pub id: i64,
    /// The project.
    pub project_id: String,
    /// The limited resource.
    pub resource: QuotaResource,
    /// The limit.
    pub hard_limit: u32,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
}

/// Quotas of projects that have none of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaDefaults {
    /// Number of clusters.
    pub clusters: u32,
    /// Number of worker nodes; `None`: unlimited.
    pub worker_nodes: Option<u32>,
    /// Number of masters; `None`: unlimited.
    pub master_nodes: Option<u32>,
}

impl Default for QuotaDefaults {
    /// Magnum's 20 clusters (contract magnum-v1 appendix B); it does not count nodes.
    fn default() -> Self {
        Self { clusters: 20, worker_nodes: None, master_nodes: None }
    }
}

impl QuotaDefaults {
    /// The default for a resource; `None`: unlimited.
    #[must_use]
    pub fn of(self, resource: QuotaResource) -> Option<u32> {
        match resource {
            QuotaResource::Cluster => Some(self.clusters),
            QuotaResource::WorkerNode => self.worker_nodes,
            QuotaResource::MasterNode => self.master_nodes,
        }
    }
}
