//! Clusters (bays). Contract magnum-v1 section 2.2.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Link;

/// A cluster, in full or as a summary (then the `Option`s of the full form are absent).
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Cluster {
    /// Id.
    pub uuid: String,
    /// Name; not unique.
    pub name: Option<String>,
    /// Id of its template. `baymodel_id` for bays.
    #[serde(alias = "baymodel_id")]
    pub cluster_template_id: String,
    /// SSH keypair.
    pub keypair: Option<String>,
    /// Number of nodes without masters.
    pub node_count: u32,
    /// Number of masters.
    pub master_count: u32,
    /// Size of each node's volume for images and containers, in GB.
    pub docker_volume_size: Option<u32>,
    /// Labels of the cluster.
    pub labels: BTreeMap<String, String>,
    /// Flavor of masters.
    pub master_flavor_id: Option<String>,
    /// Flavor of other nodes.
    pub flavor_id: Option<String>,
    /// Timeout of the creation in minutes. `bay_create_timeout` for bays.
    #[serde(alias = "bay_create_timeout")]
    pub create_timeout: Option<u32>,
    /// Status (contract magnum-v1 section 7.1).
    pub status: String,
    /// `HEALTHY`, `UNHEALTHY`, `UNKNOWN`; null until the first report.
    pub health_status: Option<String>,
    /// Handle at the infrastructure, up to microversion 1.12.
    pub stack_id: Option<String>,
    /// The same as `stack_id`, from microversion 1.13.
    pub cluster_id: Option<String>,
    /// Always false in responses.
    pub merge_labels: bool,
    /// Reason for the status.
    pub status_reason: Option<String>,
    /// Health in detail.
    pub health_status_reason: Option<BTreeMap<String, String>>,
    /// Unused; stored and returned.
    pub discovery_url: Option<String>,
    /// URL of the engine's API.
    pub api_address: Option<String>,
    /// Version of the engine.
    pub coe_version: Option<String>,
    /// Version of the container runtime.
    pub container_version: Option<String>,
    /// Id of the owning project.
    pub project_id: Option<String>,
    /// Id of the owning user.
    pub user_id: Option<String>,
    /// Addresses of nodes.
    pub node_addresses: Option<Vec<String>>,
    /// Addresses of masters.
    pub master_addresses: Option<Vec<String>>,
    /// Network of the nodes.
    pub fixed_network: Option<String>,
    /// Subnet of the nodes.
    pub fixed_subnet: Option<String>,
    /// Whether nodes have floating addresses.
    pub floating_ip_enabled: Option<bool>,
    /// Whether a load balancer is in front of the masters.
    pub master_lb_enabled: Option<bool>,
    /// Labels that differ from the template's: the template's values.
    pub labels_overridden: Option<BTreeMap<String, String>>,
    /// Labels that the template does not have.
    pub labels_added: Option<BTreeMap<String, String>>,
    /// Labels of the template that the cluster does not have.
    pub labels_skipped: Option<BTreeMap<String, String>>,
    /// Reasons for failure by node group, only while failed.
    #[serde(alias = "bay_faults", skip_serializing_if = "Option::is_none")]
    pub faults: Option<BTreeMap<String, Option<String>>>,
    /// Links.
    pub links: Vec<Link>,
    /// RFC 3339 with offset.
    pub created_at: Option<String>,
    /// RFC 3339 with offset.
    pub updated_at: Option<String>,
}

/// Body of `GET /v1/clusters`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClusterList {
    /// Clusters on this page.
    #[serde(alias = "bays")]
    pub clusters: Vec<Cluster>,
    /// URL of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Body of `POST /v1/clusters` as clients of ours send it. The server reads it more leniently (numbers as text, nulls).
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClusterCreate {
    /// 1 to 242 characters, a letter first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Id or name of the template.
    pub cluster_template_id: String,
    /// SSH keypair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keypair: Option<String>,
    /// Number of nodes without masters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_count: Option<i64>,
    /// Number of masters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_count: Option<i64>,
    /// Size of each node's volume for images and containers, in GB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_volume_size: Option<u32>,
    /// Labels of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Whether `labels` are merged with the template's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_labels: Option<bool>,
    /// Flavor of masters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_flavor_id: Option<String>,
    /// Flavor of nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flavor_id: Option<String>,
    /// Timeout of the creation in minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_timeout: Option<u32>,
    /// Unused; stored and returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery_url: Option<String>,
    /// Network of the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_network: Option<String>,
    /// Subnet of the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_subnet: Option<String>,
    /// Whether to give nodes floating addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floating_ip_enabled: Option<bool>,
    /// Whether to put a load balancer in front of the masters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_lb_enabled: Option<bool>,
}

/// Body of `POST /v1/clusters/{ident}/actions/resize`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ResizeRequest {
    /// Target size of the node group.
    pub node_count: i64,
    /// Ids or names of nodes to remove when scaling down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes_to_remove: Vec<String>,
    /// Name or id of the node group; the default worker group when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodegroup: Option<String>,
}

/// Body of `POST /v1/clusters/{ident}/actions/upgrade`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpgradeRequest {
    /// Id or name of the target template.
    pub cluster_template: String,
    /// Number of nodes replaced at a time; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_batch_size: Option<u32>,
    /// Name or id of the node group; the default worker group when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodegroup: Option<String>,
}

/// Response to an accepted write.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UuidOnly {
    /// Id of the cluster.
    pub uuid: String,
}
