//! What a cluster runs: talking to Kubernetes and to Docker Engines in swarm mode. Knows nothing of where machines come
//! from, nor of databases.
//!
//! - [`Engine`]: what the conductor needs of every engine.
//! - [`kubernetes`]: Kubernetes, with its workloads (pods, services, replication controllers).
//! - [`swarm`]: Docker Engines in swarm mode, with their workload (containers).
//! - [`manifest`]: what users send for pods, services and replication controllers, checked.
//! - [`simulated`]: nothing real, for the simulated infrastructure.
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

/// An outcome of asking an engine. The cause says whether it may pass.
pub type Result<T> = std::result::Result<T, Cause>;

/// What the conductor needs of every engine. Every method is bounded in time and may be called again.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The engine has what we need in it (roles of the agents, project network ...). Called once per operation.
    async fn configure(&self, access: &Access, cluster: &Cluster) -> Result<()>;

    /// The nodes carry the labels and taints of their groups, and none that they had from them before. Nodes by name;
    /// one that the engine does not know is left out. An engine without such things has nothing to do.
    async fn mark(&self, _access: &Access, _marks: &BTreeMap<String, NodeMarks>) -> Result<()> {
        Ok(())
    }

    /// The nodes that the engine knows.
    async fn nodes(&self, access: &Access) -> Result<Vec<EngineNode>>;

    /// Nothing runs on the node any more that can run elsewhere. `Ok` when the node is not known.
    async fn drain(&self, access: &Access, node: &str) -> Result<()>;

    /// The engine does not know the node any more. Called when its machine is gone.
    async fn forget(&self, access: &Access, node: &str) -> Result<()>;

    /// Version and health. An engine that does not answer is unhealthy, not an error.
    async fn health(&self, access: &Access) -> HealthReport;
}

/// How to get at a cluster's engine.
#[derive(Clone)]
pub struct Access {
    /// The cluster.
    pub cluster: Uuid,
    /// URL of its API, for example `https://172.18.0.10:6443` (for a swarm its first manager, port 2376).
    pub api_address: String,
    /// Other masters' addresses that may be asked instead.
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
    /// Why it is not, in the engine's words.
    pub reason: Option<String>,
    /// Version of the engine on it.
    pub version: Option<String>,
    /// Version of the container runtime on it.
    pub runtime: Option<String>,
}

/// Health of a cluster (contract magnum-v1 section 7.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// In a word.
    pub health: Health,
    /// `api` and `NODE.Ready`.
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
    // An engine that answers without a single node cannot run anything.
    let healthy = !nodes.is_empty() && nodes.iter().all(|node| node.ready);
    HealthReport {
        health: if healthy { Health::Healthy } else { Health::Unhealthy },
        reason,
        version,
        runtime: nodes.iter().find_map(|node| node.runtime.clone()),
    }
}
