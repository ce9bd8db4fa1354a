//! Containers on Swarm clusters. Contract workloads-2015 section 2.5.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Link;

/// Body of `POST /v1/containers`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerCreate {
    /// Id or name of the cluster.
    pub bay_uuid: String,
    /// Name, 1 to 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Container image.
    pub image: String,
    /// Command, split as a shell would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Memory limit, for example `64m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<BTreeMap<String, String>>,
}

/// A container.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Container {
    /// Id.
    pub uuid: String,
    /// Name.
    pub name: Option<String>,
    /// Id of the cluster.
    pub bay_uuid: String,
    /// Container image.
    pub image: String,
    /// Command, as one text.
    pub command: Option<String>,
    /// `Running`, `Stopped`, `Paused`, `Error`, `Unknown`, `Pending`.
    pub status: String,
    /// Why it does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// Memory limit.
    pub memory: Option<String>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// Name of the node that it runs on.
    pub host: Option<String>,
    /// RFC 3339.
    pub created_at: Option<String>,
    /// Links.
    pub links: Vec<Link>,
}

/// Body of `GET /v1/containers`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ContainerList {
    /// All containers.
    pub containers: Vec<Container>,
}

/// Response of `logs` and `execute`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ContainerOutput {
    /// Standard output and error, merged.
    pub output: String,
    /// Exit code of `execute`; an extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
}
