//! Bays and baymodels, as clusters and their templates are called up to microversion 1.10. Contract magnum-v1 section
//! 2.11.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ClusterTemplate, Link};

/// A bay. Lists without `/detail` leave most of it out.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Bay {
    /// Id; that of the cluster.
    pub uuid: String,
    /// Name; not unique.
    pub name: Option<String>,
    /// Id of the baymodel.
    pub baymodel_id: String,
    /// Nodes without masters.
    pub node_count: u32,
    /// Masters.
    pub master_count: u32,
    /// Why it failed, by node group; only of a bay that has.
    pub bay_faults: Option<BTreeMap<String, Option<String>>>,
    /// Minutes that creating it may take.
    pub bay_create_timeout: Option<u32>,
    /// GB per node.
    pub docker_volume_size: Option<u32>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Flavor of nodes.
    pub flavor_id: Option<String>,
    /// Flavor of masters.
    pub master_flavor_id: Option<String>,
    /// Network.
    pub fixed_network: Option<String>,
    /// Subnet.
    pub fixed_subnet: Option<String>,
    /// Floating addresses.
    pub floating_ip_enabled: bool,
    /// Load balancer before masters.
    pub master_lb_enabled: bool,
    /// Where a cluster's members found each other in 2015.
    pub discovery_url: Option<String>,
    /// Handle of the infrastructure.
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
    /// Items.
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
    /// Nodes without masters; 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_count: Option<u32>,
    /// Masters; 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_count: Option<u32>,
    /// Minutes; 0 is for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bay_create_timeout: Option<u32>,
    /// Accepted, of no effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery_url: Option<String>,
}

/// Body of `GET /v1/baymodels`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BaymodelList {
    /// Items. Baymodels have no `driver`, `project_id` and `user_id`.
    pub baymodels: Vec<ClusterTemplate>,
    /// URL of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
