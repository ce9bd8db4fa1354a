//! What a node is to be made of and to run.

use serde::{Deserialize, Serialize};

use crate::assignment::api_port;
use crate::{Cluster, ClusterTemplate, Labels, NodeGroup};

/// What a node is to be made of and to run. It is written down with the node and stays as it is until an operation gives
/// the node another one: changing a template, a cluster or a node group changes no node that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Version of the engine, where clusters of the engine are made of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<String>,
    /// Image of its machine.
    pub image: String,
    /// Flavor of its machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavor: Option<String>,
    /// GB of its volume for containers; none of its own where there is no size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_volume: Option<u32>,
    /// The labels that the engine is set up by: the cluster's.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Port of the engine's API.
    pub api_port: u16,
    /// Whether the cluster has a registry of its own.
    #[serde(default)]
    pub registry_enabled: bool,
    /// Registries that are spoken to without TLS, with commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure_registries: Option<String>,
    /// Proxy for HTTP. It may hold a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_proxy: Option<String>,
    /// Proxy for HTTPS. It may hold a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https_proxy: Option<String>,
    /// What is reached without them, with commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_proxy: Option<String>,
}

impl Target {
    /// What the nodes of a group are to be as things stand now.
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
