//! Node groups. Contract magnum-v1 section 2.4.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Link;

/// A node group.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct NodeGroup {
    /// Numeric id in the database.
    pub id: Option<i64>,
    /// Id.
    pub uuid: String,
    /// Name, unique in the cluster.
    pub name: String,
    /// Id of the cluster.
    pub cluster_id: Option<String>,
    /// Id of the owning project.
    pub project_id: Option<String>,
    /// Size of each node's volume for images and containers, in GB.
    pub docker_volume_size: Option<u32>,
    /// Labels of the node group.
    pub labels: Option<BTreeMap<String, String>>,
    /// Always false in responses.
    pub merge_labels: bool,
    /// Labels that differ from the cluster's: the cluster's values.
    pub labels_overridden: Option<BTreeMap<String, String>>,
    /// Labels that the cluster does not have.
    pub labels_added: Option<BTreeMap<String, String>>,
    /// Labels of the cluster that the group does not have.
    pub labels_skipped: Option<BTreeMap<String, String>>,
    /// Flavor of the nodes.
    pub flavor_id: Option<String>,
    /// Image of the nodes.
    pub image_id: Option<String>,
    /// Addresses of the nodes.
    pub node_addresses: Option<Vec<String>>,
    /// Target number of nodes.
    pub node_count: u32,
    /// `master`, `worker`, or any other role of workers.
    pub role: String,
    /// Minimum number of nodes.
    pub min_node_count: u32,
    /// Maximum number of nodes; null or 0 is no maximum.
    pub max_node_count: Option<u32>,
    /// Whether it was created with the cluster.
    pub is_default: bool,
    /// Handle at the infrastructure.
    pub stack_id: Option<String>,
    /// Magnum's status of the group.
    pub status: Option<String>,
    /// Reason for the status.
    pub status_reason: Option<String>,
    /// Engine version of the group.
    pub version: Option<String>,
    /// Kubernetes labels of its nodes.
    pub node_labels: Option<BTreeMap<String, String>>,
    /// Kubernetes taints of its nodes.
    pub node_taints: Option<Vec<NodeTaint>>,
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
    /// Node groups on this page.
    pub nodegroups: Vec<NodeGroup>,
    /// URL of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A Kubernetes taint of a group's nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeTaint {
    /// Key of the taint.
    pub key: String,
    /// Value of the taint; may be empty.
    #[serde(default)]
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

/// Body of `POST /v1/clusters/{ident}/nodegroups` as clients of ours send it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeGroupCreate {
    /// Name, 1 to 255 characters, unique in the cluster.
    pub name: String,
    /// Target number of nodes; 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_count: Option<i64>,
    /// Minimum number of nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_node_count: Option<i64>,
    /// Maximum number of nodes; null or 0 is no maximum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_node_count: Option<i64>,
    /// Role: any word but `master`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Flavor; the cluster's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flavor_id: Option<String>,
    /// Image; the template's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// Size of each node's volume for images and containers, in GB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_volume_size: Option<u32>,
    /// Labels; the cluster's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Whether `labels` are merged with the cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_labels: Option<bool>,
    /// Kubernetes labels of its nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_labels: Option<BTreeMap<String, String>>,
    /// Kubernetes taints of its nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_taints: Option<Vec<NodeTaint>>,
}
