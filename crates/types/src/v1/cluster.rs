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
    /// Id of its template. On bays `baymodel_id`.
    #[serde(alias = "baymodel_id")]
    pub cluster_template_id: String,
    /// SSH keypair.
    pub keypair: Option<String>,
    /// Nodes without masters.
    pub node_count: u32,
    /// Masters.
    pub master_count: u32,
    /// GB per node.
    pub docker_volume_size: Option<u32>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Flavor of masters.
    pub master_flavor_id: Option<String>,
    /// Flavor of other nodes.
    pub flavor_id: Option<String>,
    /// Minutes. On bays `bay_create_timeout`.
    #[serde(alias = "bay_create_timeout")]
    pub create_timeout: Option<u32>,
    /// Status (contract magnum-v1 section 7.1).
    pub status: String,
    /// `HEALTHY`, `UNHEALTHY`, `UNKNOWN`; null until the first report.
    pub health_status: Option<String>,
    /// Handle of the infrastructure, up to microversion 1.12.
    pub stack_id: Option<String>,
    /// The same from microversion 1.13.
    pub cluster_id: Option<String>,
    /// Always false in answers.
    pub merge_labels: bool,
    /// Why the status is what it is.
    pub status_reason: Option<String>,
    /// Health in detail.
    pub health_status_reason: Option<BTreeMap<String, String>>,
    /// Unused, kept and returned.
    pub discovery_url: Option<String>,
    /// URL of the engine's API.
    pub api_address: Option<String>,
    /// Version of the engine.
    pub coe_version: Option<String>,
    /// Version of the container runtime.
    pub container_version: Option<String>,
    /// Whose.
    pub project_id: Option<String>,
    /// Whose.
    pub user_id: Option<String>,
    /// Addresses of nodes.
    pub node_addresses: Option<Vec<String>>,
    /// Addresses of masters.
    pub master_addresses: Option<Vec<String>>,
    /// Network.
    pub fixed_network: Option<String>,
    /// Subnet.
    pub fixed_subnet: Option<String>,
    /// Floating addresses for nodes.
    pub floating_ip_enabled: Option<bool>,
    /// Load balancer before masters.
    pub master_lb_enabled: Option<bool>,
    /// Labels that differ from the template's: the template's values.
    pub labels_overridden: Option<BTreeMap<String, String>>,
    /// Labels that the template does not have.
    pub labels_added: Option<BTreeMap<String, String>>,
    /// Labels of the template that the cluster does not have.
    pub labels_skipped: Option<BTreeMap<String, String>>,
    /// Node group to reason, only while failed.
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
    /// Items.
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
    /// Nodes without masters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_count: Option<i64>,
    /// Masters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_count: Option<i64>,
    /// GB per node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_volume_size: Option<u32>,
    /// Labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Whether `labels` add to the template's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_labels: Option<bool>,
    /// Flavor of masters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_flavor_id: Option<String>,
    /// Flavor of nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flavor_id: Option<String>,
    /// Minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_timeout: Option<u32>,
    /// Kept and returned, unused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery_url: Option<String>,
    /// Network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_network: Option<String>,
    /// Subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_subnet: Option<String>,
    /// Floating addresses for nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floating_ip_enabled: Option<bool>,
    /// Load balancer before masters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_lb_enabled: Option<bool>,
}

/// Body of `POST /v1/clusters/{ident}/actions/resize`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ResizeRequest {
    /// Wanted size of the node group.
    pub node_count: i64,
    /// Ids or names of nodes to remove when shrinking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes_to_remove: Vec<String>,
    /// Name or id of the node group; the default worker group when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodegroup: Option<String>,
}

/// Body of `POST /v1/clusters/{ident}/actions/upgrade`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpgradeRequest {
    /// Id or name of the template to go to.
    pub cluster_template: String,
    /// Nodes replaced at a time, 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_batch_size: Option<u32>,
    /// Name or id of the node group; the default worker group when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodegroup: Option<String>,
}

/// Answer to an accepted write.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UuidOnly {
    /// Id of the cluster.
    pub uuid: String,
}
