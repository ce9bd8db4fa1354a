//! Cluster templates (baymodels). Contract magnum-v1 section 2.1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Link;

/// A cluster template.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct ClusterTemplate {
    /// Id.
    pub uuid: String,
    /// Name; not unique.
    pub name: Option<String>,
    /// `kubernetes` or `swarm`.
    pub coe: String,
    /// Image of nodes.
    pub image_id: String,
    /// Flavor of nodes.
    pub flavor_id: Option<String>,
    /// Flavor of masters.
    pub master_flavor_id: Option<String>,
    /// SSH keypair.
    pub keypair_id: Option<String>,
    /// External network.
    pub external_network_id: Option<String>,
    /// Network.
    pub fixed_network: Option<String>,
    /// Subnet.
    pub fixed_subnet: Option<String>,
    /// Name servers, comma separated.
    pub dns_nameserver: Option<String>,
    /// Pod or container network.
    pub network_driver: Option<String>,
    /// Volumes.
    pub volume_driver: Option<String>,
    /// GB per node.
    pub docker_volume_size: Option<u32>,
    /// Storage driver.
    pub docker_storage_driver: Option<String>,
    /// Port of the engine's API.
    pub apiserver_port: Option<u16>,
    /// Operating system of the image.
    pub cluster_distro: Option<String>,
    /// Proxy.
    pub http_proxy: Option<String>,
    /// Proxy.
    pub https_proxy: Option<String>,
    /// Hosts without proxy.
    pub no_proxy: Option<String>,
    /// Registry without TLS.
    pub insecure_registry: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Registry in the cluster.
    pub registry_enabled: bool,
    /// No TLS.
    pub tls_disabled: bool,
    /// Seen by all projects.
    pub public: bool,
    /// Not offered for new clusters.
    pub hidden: bool,
    /// Load balancer before masters.
    pub master_lb_enabled: bool,
    /// Floating addresses.
    pub floating_ip_enabled: bool,
    /// `vm` or `bm`.
    pub server_type: String,
    /// Comma separated.
    pub tags: Option<String>,
    /// Driver.
    pub driver: Option<String>,
    /// Whose.
    pub project_id: String,
    /// Whose.
    pub user_id: String,
    /// Links.
    pub links: Vec<Link>,
    /// RFC 3339 with offset.
    pub created_at: Option<String>,
    /// RFC 3339 with offset.
    pub updated_at: Option<String>,
}

/// Body of `GET /v1/clustertemplates`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClusterTemplateList {
    /// Items.
    #[serde(alias = "baymodels")]
    pub clustertemplates: Vec<ClusterTemplate>,
    /// URL of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Body of `POST /v1/clustertemplates` as our own client sends it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClusterTemplateCreate {
    /// 1 to 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `kubernetes` or `swarm`.
    pub coe: String,
    /// Image of nodes.
    pub image_id: String,
    /// Required by baymodels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keypair_id: Option<String>,
    /// Flavor of nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flavor_id: Option<String>,
    /// Flavor of masters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_flavor_id: Option<String>,
    /// External network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_network_id: Option<String>,
    /// Pod or container network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_driver: Option<String>,
    /// Registry without TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure_registry: Option<String>,
    /// Network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_network: Option<String>,
    /// Subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_subnet: Option<String>,
    /// Name servers, comma separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_nameserver: Option<String>,
    /// Volumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_driver: Option<String>,
    /// GB per node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_volume_size: Option<u32>,
    /// Storage driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_storage_driver: Option<String>,
    /// Port of the engine's API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apiserver_port: Option<u16>,
    /// Proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_proxy: Option<String>,
    /// Proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https_proxy: Option<String>,
    /// Hosts without proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_proxy: Option<String>,
    /// Registry in the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_enabled: Option<bool>,
    /// No TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_disabled: Option<bool>,
    /// Not offered for new clusters; needs the right to publish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Load balancer before masters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_lb_enabled: Option<bool>,
    /// Floating addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floating_ip_enabled: Option<bool>,
    /// `vm` or `bm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_type: Option<String>,
    /// Comma separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    /// Driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Seen by all projects; needs the right to publish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
}
