//! Bays and baymodels: the names of clusters and cluster templates up to microversion 1.10. Contract magnum-v1 section
//! 2.11.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ClusterTemplate, Link};

/// A bay. Lists without `/detail` omit most fields.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Bay {
    /// Id, the same as that of the cluster.
    pub uuid: String,
    /// Name; not unique.
    pub name: Option<String>,
    /// Id of the baymodel.
    pub baymodel_id: String,
    /// Number of nodes without masters.
    pub node_count: u32,
    /// Number of masters.
    pub master_count: u32,
    /// Why it failed, by node group; only of a failed bay.
    pub bay_faults: Option<BTreeMap<String, Option<String>>>,
    /// Timeout of the creation, in minutes.
    pub bay_create_timeout: Option<u32>,
    /// Size of each node's volume for images and containers, in GB.
    pub docker_volume_size: Option<u32>,
    /// Labels of the cluster.
    pub labels: BTreeMap<String, String>,
    /// Flavor of nodes.
    pub flavor_id: Option<String>,
    /// Flavor of masters.
    pub master_flavor_id: Option<String>,
    /// Network of the nodes.
    pub fixed_network: Option<String>,
    /// Subnet of the nodes.
    pub fixed_subnet: Option<String>,
    /// Whether nodes have floating addresses.
    pub floating_ip_enabled: bool,
    /// Whether a load balancer is in front of the masters.
    pub master_lb_enabled: bool,
    /// Discovery service for the cluster's members, as used in 2015.
    pub discovery_url: Option<String>,
    /// Handle at the infrastructure.
    pub stack_id: Option<String>,
    /// Magnum's status.
    pub status: Option<String>,
    /// Why it failed.
    pub status_reason: Option<String>,
    /// URL of the engine's API.
    pub api_address: Option<String>,
    /// Version of the engine.
    pub coe_version: Option<String>,
    /// Version of the container runtime.
    pub container_version: Option<String>,
    /// Addresses of nodes.
    pub node_addresses: Vec<String>,
    /// Addresses of masters.
    pub master_addresses: Vec<String>,
    /// Links.
    pub links: Vec<Link>,
    /// RFC 3339 with offset.
    pub created_at: Option<String>,
    /// RFC 3339 with offset.
    pub updated_at: Option<String>,
}

/// Body of `GET /v1/bays`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BayList {
    /// Bays on this page.
    pub bays: Vec<Bay>,
    /// URL of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Body of `POST /v1/bays`. The server reads it more leniently (numbers as text, nulls).
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BayCreate {
    /// 1 to 242 characters, a letter first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Id or name of the baymodel.
    pub baymodel_id: String,
    /// Number of nodes without masters; 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_count: Option<u32>,
    /// Number of masters; 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_count: Option<u32>,
    /// Timeout in minutes; 0 is no timeout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bay_create_timeout: Option<u32>,
    /// Accepted, without effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery_url: Option<String>,
}

/// Body of `GET /v1/baymodels`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BaymodelList {
    /// Baymodels on this page. They have no `driver`, `project_id` and `user_id`.
    pub baymodels: Vec<ClusterTemplate>,
    /// URL of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
