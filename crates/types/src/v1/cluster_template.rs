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
    /// Network of the nodes.
    pub fixed_network: Option<String>,
    /// Subnet of the nodes.
    pub fixed_subnet: Option<String>,
    /// DNS servers, comma separated.
    pub dns_nameserver: Option<String>,
    /// Network driver for pods or containers.
    pub network_driver: Option<String>,
    /// Volume driver.
    pub volume_driver: Option<String>,
    /// Size of each node's volume for images and containers, in GB.
    pub docker_volume_size: Option<u32>,
    /// Storage driver of Docker.
    pub docker_storage_driver: Option<String>,
    /// Port of the engine's API.
    pub apiserver_port: Option<u16>,
    /// Operating system of the image.
    pub cluster_distro: Option<String>,
    /// HTTP proxy.
    pub http_proxy: Option<String>,
    /// HTTPS proxy.
    pub https_proxy: Option<String>,
    /// Hosts to reach without a proxy.
    pub no_proxy: Option<String>,
    /// Registry without TLS.
    pub insecure_registry: Option<String>,
    /// Labels for clusters.
    pub labels: BTreeMap<String, String>,
    /// Whether each cluster has a registry.
    pub registry_enabled: bool,
    /// Whether TLS is disabled.
    pub tls_disabled: bool,
    /// Whether the template is visible to all projects.
    pub public: bool,
    /// Whether the template is hidden: not offered for new clusters.
    pub hidden: bool,
    /// Whether a load balancer is in front of the masters.
    pub master_lb_enabled: bool,
    /// Whether nodes have floating addresses.
    pub floating_ip_enabled: bool,
    /// `vm` or `bm`.
    pub server_type: String,
    /// Tags, comma separated.
    pub tags: Option<String>,
    /// Driver of the infrastructure.
    pub driver: Option<String>,
    /// Id of the owning project.
    pub project_id: String,
    /// Id of the owning user.
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
    /// Templates on this page.
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
    /// SSH keypair; required for baymodels.
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
    /// Network driver for pods or containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_driver: Option<String>,
    /// Registry without TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure_registry: Option<String>,
    /// Network of the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_network: Option<String>,
    /// Subnet of the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_subnet: Option<String>,
    /// DNS servers, comma separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_nameserver: Option<String>,
    /// Volume driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_driver: Option<String>,
    /// Size of each node's volume for images and containers, in GB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_volume_size: Option<u32>,
    /// Storage driver of Docker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_storage_driver: Option<String>,
    /// Port of the engine's API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apiserver_port: Option<u16>,
    /// HTTP proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_proxy: Option<String>,
    /// HTTPS proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https_proxy: Option<String>,
    /// Hosts to reach without a proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_proxy: Option<String>,
    /// Whether each cluster has a registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_enabled: Option<bool>,
    /// Whether to disable TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_disabled: Option<bool>,
    /// Whether the template is hidden: not offered for new clusters. Needs permission to publish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Whether to put a load balancer in front of the masters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_lb_enabled: Option<bool>,
    /// Whether to give nodes floating addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floating_ip_enabled: Option<bool>,
    /// `vm` or `bm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_type: Option<String>,
    /// Tags, comma separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    /// Driver of the infrastructure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Labels for clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Whether the template is visible to all projects. Needs permission to publish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
}
