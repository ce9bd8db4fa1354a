//! Federations: clusters that belong together (contract magnum-v1 section 2.10). They are written down; nothing is set
//! up in the clusters, as there is no federation control plane any more that could be.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::Status;

/// The property that every federation must have.
pub const DNS_ZONE: &str = "dns-zone";

/// A federation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Federation {
    /// Id.
    pub uuid: Uuid,
    /// Project that it belongs to.
    pub project_id: String,
    /// User who made it.
    pub user_id: String,
    /// Name, not unique.
    pub name: String,
    /// The cluster that is to host the federation. It may be gone.
    pub host_cluster: Uuid,
    /// The clusters in it, in the order in which they joined. Some may be gone.
    pub members: Vec<Uuid>,
    /// Status.
    pub status: Status,
    /// Why.
    pub status_reason: Option<String>,
    /// Properties, among them [`DNS_ZONE`].
    pub properties: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}
