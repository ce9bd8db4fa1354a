//! The nodes of the API of 2015: entries in a list of machines, with nothing behind them (contract workloads-2015
//! section 2.1). Not to be confused with the [nodes](crate::node) of clusters.

use jiff::Timestamp;
use uuid::Uuid;

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyNode {
    /// Id.
    pub uuid: Uuid,
    /// Project that it belongs to.
    pub project_id: String,
    /// User who made it.
    pub user_id: String,
    /// `virt`, `bare` or any other word.
    pub kind: Option<String>,
    /// Image.
    pub image_id: Option<String>,
    /// The machine at Ironic. One machine is in one entry only, whosever it is.
    pub ironic_node_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}
