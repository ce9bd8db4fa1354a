//! Pods, services and replication controllers. Contract workloads-2015 sections 2.2 and 2.3.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Link;

/// Body of `POST /v1/pods`, `/v1/services`, `/v1/rcs`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadCreate {
    /// Id or name of the cluster.
    pub bay_uuid: String,
    /// The manifest, as YAML or JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// URL of the manifest: `http` or `https`, no internal addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_url: Option<String>,
}

/// A pod.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Pod {
    /// `metadata.uid`.
    pub uuid: String,
    /// Name.
    pub name: String,
    /// Id of the cluster.
    pub bay_uuid: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Images of its containers.
    pub images: Vec<String>,
    /// Phase, or the reason why a container waits.
    pub status: Option<String>,
    /// Name of the node that it runs on.
    pub host: Option<String>,
    /// Address of the pod.
    pub ip: Option<String>,
    /// Number of restarts of its containers.
    pub restarts: u32,
    /// Why it does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// RFC 3339.
    pub created_at: Option<String>,
    /// Links.
    pub links: Vec<Link>,
}

/// Body of `GET /v1/pods`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PodList {
    /// Pods of the cluster.
    pub pods: Vec<Pod>,
}

/// A service.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Service {
    /// `metadata.uid`.
    pub uuid: String,
    /// Name.
    pub name: String,
    /// Id of the cluster.
    pub bay_uuid: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Selector.
    pub selector: BTreeMap<String, String>,
    /// Cluster IP.
    pub ip: Option<String>,
    /// Ports, with keys in snake case as in 2016 (`target_port`, `node_port`).
    pub ports: Vec<ServicePort>,
    /// RFC 3339.
    pub created_at: Option<String>,
    /// Links.
    pub links: Vec<Link>,
}

/// A port of a [`Service`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct ServicePort {
    /// Name.
    pub name: String,
    /// `TCP`, `UDP`.
    pub protocol: String,
    /// Port of the service.
    pub port: i32,
    /// Target port of the pods, by number or name.
    pub target_port: Option<serde_json::Value>,
    /// Port on every node.
    pub node_port: Option<i32>,
}

/// Body of `GET /v1/services`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ServiceList {
    /// Services of the cluster.
    pub services: Vec<Service>,
}

/// A replication controller.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct ReplicationController {
    /// `metadata.uid`.
    pub uuid: String,
    /// Name.
    pub name: String,
    /// Id of the cluster.
    pub bay_uuid: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Images of its pods.
    pub images: Vec<String>,
    /// Current number of pods (`status.replicas`).
    pub replicas: i32,
    /// Target number of pods.
    pub desired: i32,
    /// Number of ready pods.
    pub ready: i32,
    /// RFC 3339.
    pub created_at: Option<String>,
    /// Links.
    pub links: Vec<Link>,
}

/// Body of `GET /v1/rcs`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReplicationControllerList {
    /// Replication controllers of the cluster.
    pub rcs: Vec<ReplicationController>,
}
