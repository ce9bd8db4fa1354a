//! Node groups. Contract magnum-v1 section 2.4.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Link;

/// A node group.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct NodeGroup {
    /// Number in the database.
    pub id: Option<i64>,
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
    /// Always false in answers.
    pub merge_labels: bool,
    /// Labels that differ from the cluster's: the cluster's values.
    pub labels_overridden: Option<BTreeMap<String, String>>,
    /// Labels that the cluster does not have.
    pub labels_added: Option<BTreeMap<String, String>>,
    /// Labels of the cluster that the group does not have.
    pub labels_skipped: Option<BTreeMap<String, String>>,
    /// Flavor.
    pub flavor_id: Option<String>,
    /// Image.
    pub image_id: Option<String>,
    /// Addresses of its nodes.
    pub node_addresses: Option<Vec<String>>,
    /// Wanted nodes.
    pub node_count: u32,
    /// `master`, `worker`, or any other word for workers.
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
    /// Items.
    pub nodegroups: Vec<NodeGroup>,
    /// URL of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A Kubernetes taint of a group's nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeTaint {
    /// Key.
    pub key: String,
    /// Value, may be empty.
    #[serde(default)]
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

/// Body of `POST /v1/clusters/{ident}/nodegroups` as clients of ours send it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeGroupCreate {
    /// 1 to 255 characters, unique in the cluster.
    pub name: String,
    /// Wanted nodes, 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_count: Option<i64>,
    /// Lower bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_node_count: Option<i64>,
    /// Upper bound; null or 0 is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_node_count: Option<i64>,
    /// Any word but `master`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Flavor, the cluster's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flavor_id: Option<String>,
    /// Image, the template's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// GB per node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_volume_size: Option<u32>,
    /// Labels, the cluster's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Whether `labels` add to the cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_labels: Option<bool>,
    /// Kubernetes labels of its nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_labels: Option<BTreeMap<String, String>>,
    /// Kubernetes taints of its nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_taints: Option<Vec<NodeTaint>>,
}
