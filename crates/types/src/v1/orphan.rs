//! Orphans: clusters at the infrastructure that the database does not know. Ours; Magnum has no such route.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What there is of a cluster that the database neither has nor knows to have been deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Orphan {
    /// Id of the cluster.
    pub uuid: Uuid,
    /// Its name, as its marks have it.
    pub name: Option<String>,
    /// Its project, as its marks have it.
    pub project_id: Option<String>,
    /// Names of its machines.
    pub machines: Vec<String>,
    /// Names of its disks.
    pub disks: Vec<String>,
    /// Names of its networks.
    pub networks: Vec<String>,
    /// When the oldest of it was made, where that is known.
    pub created_at: Option<String>,
}

/// Body of `GET /v1/orphans`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrphanList {
    /// Items, oldest first.
    pub orphans: Vec<Orphan>,
}
