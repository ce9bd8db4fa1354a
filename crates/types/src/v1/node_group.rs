//! Node groups. Contract magnum-v1 section 2.4.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Link;

/// A node group.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct NodeGroup {
    /// Id.
    pub uuid: String,
    /// Unique in its cluster.
    pub name: String,
    /// Its cluster.
    pub cluster_id: Option<String>,
    /// Whose.
    pub project_id: Option<String>,
    /// GB per node.
    pub docker_volume_size: Option<u32>,
    /// Labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Flavor.
    pub flavor_id: Option<String>,
    /// Image.
    pub image_id: Option<String>,
    /// Addresses of its nodes.
    pub node_addresses: Option<Vec<String>>,
    /// Wanted nodes.
    pub node_count: u32,
    /// `master` or `worker`.
    pub role: String,
    /// Lower bound.
    pub min_node_count: u32,
    /// Upper bound; null or 0 is none.
    pub max_node_count: Option<u32>,
    /// Made with the cluster.
    pub is_default: bool,
    /// Handle of the infrastructure.
    pub stack_id: Option<String>,
    /// Status.
    pub status: Option<String>,
    /// Why.
    pub status_reason: Option<String>,
    /// Engine version of the group.
    pub version: Option<String>,
    /// Kubernetes labels of its nodes.
    pub node_labels: Option<BTreeMap<String, String>>,
    /// Links.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// RFC 3339 with offset.
    pub created_at: Option<String>,
    /// RFC 3339 with offset.
    pub updated_at: Option<String>,
}

/// Body of `GET /v1/clusters/{ident}/nodegroups`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeGroupList {
    /// Items.
    pub nodegroups: Vec<NodeGroup>,
    /// URL of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
