//! Nodes of Magnum's 2015 API: records of machines, without any function (contract workloads-2015 section 2.1). Not to
//! be confused with the [nodes](crate::node) of clusters.

use jiff::Timestamp;
use uuid::Uuid;

/// A record of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyNode {
    /// Id.
    pub uuid: Uuid,
    /// Project that it belongs to.
    pub project_id: String,
    /// User who created it.
    pub user_id: String,
    /// `virt`, `bare` or any other word.
    pub kind: Option<String>,
    /// Image id.
    pub image_id: Option<String>,
    /// The machine's id in Ironic; unique across all projects.
    pub ironic_node_id: Option<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
}
