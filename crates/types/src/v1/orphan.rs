//! Orphans: clusters that exist at the infrastructure but not in the database. An extension; not in Magnum.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The resources of a cluster that is not in the database, and was not deleted either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Orphan {
    /// Id of the cluster.
    pub uuid: Uuid,
    /// Name of the cluster, from the marks on its resources.
    pub name: Option<String>,
    /// Project of the cluster, from the marks on its resources.
    pub project_id: Option<String>,
    /// Names of the machines.
    pub machines: Vec<String>,
    /// Names of the disks.
    pub disks: Vec<String>,
    /// Names of the networks.
    pub networks: Vec<String>,
    /// When its oldest resource was created, if known.
    pub created_at: Option<String>,
}

/// Body of `GET /v1/orphans`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrphanList {
    /// All orphans, oldest first.
    pub orphans: Vec<Orphan>,
}
