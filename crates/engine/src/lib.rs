//! Clients of clusters' engines: Kubernetes and Docker Engines in swarm mode. Independent of infrastructure and
//! database.
//!
//! - [`Engine`]: the interface that the conductor needs of every engine.
//! - [`kubernetes`]: Kubernetes, with its workloads (pods, services, replication controllers).
//! - [`swarm`]: Docker Engines in swarm mode, with their workload (containers).
//! - [`manifest`]: checks users' manifests of pods, services and replication controllers.
//! - [`simulated`]: the engine on the simulated infrastructure.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bounded;
pub mod error;
pub mod kubernetes;
pub mod manifest;
pub mod simulated;
pub mod swarm;
mod tls;

use std::collections::BTreeMap;
use std::net::IpAddr;

use async_trait::async_trait;
pub use error::WorkloadError;
use jeroboam_model::{Cause, Cluster, Health, NodeRole};
use jeroboam_types::agent::Taint;
use uuid::Uuid;

/// Result of a request to an engine. The cause says whether it is retryable.
pub type Result<T> = std::result::Result<T, Cause>;

/// The interface that the conductor needs of every engine. Every method is bounded in time and idempotent.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Ensures that the engine has the objects that we need (roles of the agents, project network ...). Called once per
    /// operation.
    async fn configure(&self, access: &Access, cluster: &Cluster) -> Result<()>;

    /// Sets the labels and taints of groups on their nodes, and removes those that the groups no longer have. Nodes by
    /// name; one that the engine does not know is skipped. Does nothing in an engine without labels and taints.
    async fn mark(&self, _access: &Access, _marks: &BTreeMap<String, NodeMarks>) -> Result<()> {
        Ok(())
    }

    /// The nodes that the engine knows.
    async fn nodes(&self, access: &Access) -> Result<Vec<EngineNode>>;

    /// Drains the node: moves everything that can run elsewhere. `Ok` when the node is not known.
    async fn drain(&self, access: &Access, node: &str) -> Result<()>;

    /// Removes the node from the engine. Called when its machine is gone.
    async fn forget(&self, access: &Access, node: &str) -> Result<()>;

    /// Version and health. An engine that does not answer is unhealthy, not an error.
    async fn health(&self, access: &Access) -> HealthReport;
}

/// Address and credentials of a cluster's engine.
#[derive(Clone)]
pub struct Access {
    /// The cluster.
    pub cluster: Uuid,
    /// URL of its API, for example `https://172.18.0.10:6443` (for a swarm its first manager, port 2376).
    pub api_address: String,
    /// Addresses of other masters, used when the first does not answer.
    pub masters: Vec<IpAddr>,
    /// PEM of the CA that the API's certificate must chain to.
    pub ca: String,
    /// PEM of a client certificate with all rights.
    pub certificate: String,
    /// PEM of its key. Secret.
    pub key: String,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("api_address", &self.api_address).finish_non_exhaustive()
    }
}

/// Labels and taints that a node has from its group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeMarks {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Taints.
    pub taints: Vec<Taint>,
}

/// A node as the engine knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineNode {
    /// Name.
    pub name: String,
    /// Role.
    pub role: NodeRole,
    /// Whether the engine would place work on it (or would, if it were not cordoned on purpose).
    pub ready: bool,
    /// Why it is not ready, as the engine reports it.
    pub reason: Option<String>,
    /// Version of the engine on it.
    pub version: Option<String>,
    /// Version of the container runtime on it.
    pub runtime: Option<String>,
}

/// Health of a cluster (contract magnum-v1 section 7.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// The health status.
    pub health: Health,
    /// Details by key: `api` and `NODE.Ready`.
    pub reason: BTreeMap<String, String>,
    /// Version of the engine.
    pub version: Option<String>,
    /// Version of the container runtime.
    pub runtime: Option<String>,
}

/// The report of an engine that does not answer.
fn unhealthy(why: String) -> HealthReport {
    HealthReport {
        health: Health::Unhealthy,
        reason: BTreeMap::from([("api".to_owned(), why)]),
        version: None,
        runtime: None,
    }
}

/// The report of an engine that answers: healthy when every node is ready (contract magnum-v1 section 7.5).
fn health_of(nodes: &[EngineNode], version: Option<String>) -> HealthReport {
    let mut reason = BTreeMap::from([("api".to_owned(), "ok".to_owned())]);
    for node in nodes {
        reason.insert(format!("{}.Ready", node.name), if node.ready { "True" } else { "False" }.to_owned());
    }
    // Without any node the engine cannot run anything.
    let healthy = !nodes.is_empty() && nodes.iter().all(|node| node.ready);
    HealthReport {
        health: if healthy { Health::Healthy } else { Health::Unhealthy },
        reason,
        version,
        runtime: nodes.iter().find_map(|node| node.runtime.clone()),
    }
}
