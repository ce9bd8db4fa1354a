//! The target of a node: image, flavor, engine version and options.

use serde::{Deserialize, Serialize};

use crate::assignment::api_port;
use crate::{Cluster, ClusterTemplate, Labels, NodeGroup};

/// The target of a node: image, flavor, engine version and options. It is stored with the node and stays unchanged
/// until an operation gives the node another one: changing a template, a cluster or a node group changes no existing
/// node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Version of the engine, if clusters of the engine have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<String>,
    /// Image of its machine.
    pub image: String,
    /// Flavor of its machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavor: Option<String>,
    /// Volume for containers in GB; without a size there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_volume: Option<u32>,
    /// The cluster's labels, by which the engine is configured.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Port of the engine's API.
    pub api_port: u16,
    /// Whether the cluster runs its own registry.
    #[serde(default)]
    pub registry_enabled: bool,
    /// Registries that are accessed without TLS, comma separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure_registries: Option<String>,
    /// HTTP proxy. It may contain a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_proxy: Option<String>,
    /// HTTPS proxy. It may contain a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https_proxy: Option<String>,
    /// Hosts, domains and networks that need no proxy, comma separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_proxy: Option<String>,
}

impl Target {
    /// The target of new nodes of a group.
    #[must_use]
    pub fn of(cluster: &Cluster, template: &ClusterTemplate, group: &NodeGroup) -> Self {
        Self {
            engine_version: cluster.engine_version.clone(),
            image: group.image_id.clone(),
            flavor: group.flavor_id.clone(),
            container_volume: group.docker_volume_size,
            labels: cluster.labels.clone(),
            api_port: api_port(template),
            registry_enabled: template.registry_enabled,
            insecure_registries: template.insecure_registry.clone(),
            http_proxy: template.http_proxy.clone(),
            https_proxy: template.https_proxy.clone(),
            no_proxy: template.no_proxy.clone(),
        }
    }
}
