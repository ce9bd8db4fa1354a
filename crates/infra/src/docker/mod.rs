//! Containers of a Docker Engine.
//!
//! A cluster is a bridge network, a node is a container on it with an address of its own. Everything has [`labels`],
//! by which it is found again: no state is kept here but the connection.
//!
//! | file | content |
//! |---|---|
//! | `engine` | the connection and properties of the engine |
//! | `network`, `subnet` | networks and addresses |
//! | `machine`, `body`, `upload` | a node's container: its lifecycle, specification and content |
//! | `container`, `volume`, `image` | these objects at the engine |
//! | `capabilities`, `flavor` | capabilities and size of a container |
//! | `catalog` | look-up of images, flavors and the like |
//! | `observe`, `diagnose` | what exists, and its state |
//! | `changes` | events of the engine |
//! | `remains` | what exists of all clusters, for finding orphans |
//! | `presence` | the marks of this deployment's servers |
//! | `endpoint` | address of the agent endpoint |
//! | `cause` | maps the engine's errors to causes |

mod body;
mod capabilities;
mod catalog;
mod cause;
mod changes;
mod container;
mod diagnose;
mod endpoint;
mod engine;
mod flavor;
mod image;
pub mod labels;
mod locks;
mod machine;
mod network;
mod observe;
mod presence;
mod remains;
mod subnet;
mod upload;
mod volume;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use ipnet::Ipv4Net;
use jeroboam_model::node::FoundNode;
use jeroboam_model::{Cause, CauseExt, Code};
use serde::Deserialize;
use tokio::sync::Mutex;
use uuid::Uuid;

use self::engine::Engine;
use self::locks::Locks;
use crate::catalog::{Found, Kind, NodeImage};
use crate::flavor::Flavor;
use crate::{
    AgentEndpoint, Asker, Change, ClusterRef, Diagnosis, Infrastructure, Machine, MachineSpec, Network, Observation,
    Presence, Progress, Remains, Result,
};

/// Default port of the agent endpoint.
pub const DEFAULT_AGENT_PORT: u16 = 9512;

/// Machines of one cluster that are created or removed concurrently: the engine does only a few at a time anyway.
const MACHINES_AT_ONCE: usize = 32;

/// Configuration of a Docker Engine as infrastructure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DockerConfig {
    /// Address of the engine, `unix:///PATH` or `tcp://HOST:PORT`. Default: `DOCKER_HOST`, else
    /// `unix:///var/run/docker.sock`. With `DOCKER_TLS_VERIFY` set, TCP uses TLS with the certificates in
    /// `DOCKER_CERT_PATH`.
    pub host: Option<String>,
    /// Id of this deployment. What another deployment created at the same engine is left alone.
    pub deployment: String,
    /// Pool of the clusters' networks, a /24 each. Its own prefix is at most /24.
    pub address_pool: Ipv4Net,
    /// Path of the agent's program, `jeroboam-node`, on this machine; it is copied into every node.
    pub agent_binary: PathBuf,
    /// Port of the agent endpoint.
    pub agent_port: u16,
    /// Address on which the agent endpoint listens. Default: the gateway of the engine's default bridge, right for an
    /// engine on this machine.
    pub agent_listen: Option<SocketAddr>,
    /// Address at which containers reach `agent_listen`, if it differs (an engine on another machine or in a virtual
    /// machine).
    pub agent_reach: Option<SocketAddr>,
    /// The flavors that nodes can have.
    pub flavors: Vec<Flavor>,
}

impl Default for DockerConfig {
    fn default() -> Self {
        Self {
            host: None,
            deployment: "jeroboam".to_owned(),
            // Private (RFC 1918), and not in the defaults of other tools except Podman, whose networks are avoided.
            address_pool: Ipv4Net::new_assert(Ipv4Addr::new(10, 89, 0, 0), 16),
            agent_binary: PathBuf::from("jeroboam-node"),
            agent_port: DEFAULT_AGENT_PORT,
            agent_listen: None,
            agent_reach: None,
            flavors: crate::flavor::usual(),
        }
    }
}

/// A Docker Engine as infrastructure. Can be used by many tasks at once.
pub struct Docker {
    config: DockerConfig,
    host: String,
    /// Id of the deployment in labels; at first [`DockerConfig::deployment`].
    deployment: Arc<RwLock<String>>,
    engine: Arc<Mutex<Option<Arc<Engine>>>>,
    /// Held while a network is created.
    networks: Mutex<()>,
    /// Held while a node's container is created or removed.
    nodes: Locks,
}

impl Docker {
    /// Checks the configuration and connects to the engine. An engine that is down is not an error: every later call
    /// tries to connect again, and fails with a retryable cause until that succeeds.
    ///
    /// # Errors
    /// An invalid configuration, or an engine that refuses us.
    pub async fn connect(config: DockerConfig) -> Result<Self> {
        if config.address_pool.prefix_len() > subnet::PREFIX {
            return Err(Cause::operator(
                Code::InfrastructureConfiguration,
                format!("The address pool {} has no room for a /{} per cluster.", config.address_pool, subnet::PREFIX),
                "Give Jeroboam a larger address pool, such as 10.89.0.0/16.",
            ));
        }
        if let Some(twice) = config.flavors.iter().enumerate().find_map(|(index, flavor)| {
            config.flavors[..index].iter().any(|earlier| earlier.name == flavor.name).then_some(&flavor.name)
        }) {
            return Err(Cause::operator(
                Code::InfrastructureConfiguration,
                format!("The flavor {twice} is defined twice."),
                "Give every flavor a name of its own.",
            ));
        }
        let host = engine::host(config.host.as_deref());
        let docker = Self {
            deployment: Arc::new(RwLock::new(config.deployment.clone())),
            config,
            host,
            engine: Arc::default(),
            networks: Mutex::default(),
            nodes: Locks::default(),
        };
        match docker.engine().await {
            Err(cause) if !cause.retryable => Err(cause),
            Err(cause) => {
                tracing::warn!(cause = cause.one_line(), "the Docker Engine does not answer");
                Ok(docker)
            }
            Ok(_) => Ok(docker),
        }
    }

    /// Id of the deployment in labels.
    fn deployment(&self) -> String {
        read(&self.deployment)
    }

    async fn engine(&self) -> Result<Arc<Engine>> {
        engine::connected(&self.host, &self.engine).await
    }
}

/// Reads the id of the deployment.
fn read(deployment: &RwLock<String>) -> String {
    deployment.read().unwrap_or_else(PoisonError::into_inner).clone()
}

#[async_trait]
impl Infrastructure for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    async fn agent_endpoint(&self) -> Result<AgentEndpoint> {
        endpoint::find(&self.config, &*self.engine().await?).await
    }

    fn node_networks(&self) -> Vec<Ipv4Net> {
        // A cluster's part of the pool is chosen only when its network is created.
        vec![self.config.address_pool]
    }

    async fn observe(&self, cluster: Uuid) -> Result<Observation> {
        observe::cluster(self, &*self.engine().await?, cluster).await
    }

    async fn ensure_network(&self, cluster: &ClusterRef, progress: &Progress) -> Result<Network> {
        let id = network::ensure(self, &*self.engine().await?, cluster, progress).await?;
        Ok(Network { id })
    }

    fn ensure_machines<'a>(
        &'a self,
        cluster: &'a ClusterRef,
        machines: &'a [MachineSpec],
        progress: &'a Progress,
    ) -> BoxStream<'a, (Uuid, Result<Machine>)> {
        let ensure = move |spec: &'a MachineSpec| async move {
            let engine = match self.engine().await {
                Ok(engine) => engine,
                Err(cause) => return (spec.node, Err(cause)),
            };
            (spec.node, machine::ensure(self, &engine, cluster, spec, progress).await)
        };
        stream::iter(machines).map(ensure).buffer_unordered(MACHINES_AT_ONCE).boxed()
    }

    fn remove_machines<'a>(
        &'a self,
        cluster: Uuid,
        nodes: &'a [Uuid],
        progress: &'a Progress,
    ) -> BoxStream<'a, (Uuid, Result<()>)> {
        let remove = move |node: &'a Uuid| async move {
            let engine = match self.engine().await {
                Ok(engine) => engine,
                Err(cause) => return (*node, Err(cause)),
            };
            (*node, machine::remove(self, &engine, cluster, *node, progress).await)
        };
        stream::iter(nodes).map(remove).buffer_unordered(MACHINES_AT_ONCE).boxed()
    }

    async fn restart_machine(&self, cluster: Uuid, node: Uuid) -> Result<()> {
        machine::restart(self, &*self.engine().await?, cluster, node).await
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        let (host, deployment) = (self.host.clone(), Arc::clone(&self.deployment));
        changes::stream(changes::Source { host, deployment, engine: Arc::clone(&self.engine) })
    }

    async fn remove_stray(&self, cluster: Uuid, id: &str) -> Result<()> {
        let engine = self.engine().await?;
        // Only if it is still a stray: the id may be outdated or invalid.
        let strays = observe::cluster(self, &engine, cluster).await?.strays;
        if strays.iter().any(|stray| stray == id) { container::remove(&engine, id).await } else { Ok(()) }
    }

    async fn remove_network(&self, cluster: Uuid, progress: &Progress) -> Result<()> {
        network::remove(self, &*self.engine().await?, cluster, progress).await
    }

    async fn diagnose(&self, cluster: Uuid, node: Uuid) -> Result<Option<Diagnosis>> {
        diagnose::node(self, &*self.engine().await?, cluster, node).await
    }

    async fn clusters(&self) -> Result<Vec<Uuid>> {
        observe::clusters(self, &*self.engine().await?).await
    }

    fn take_deployment(&self, id: &str) {
        id.clone_into(&mut self.deployment.write().unwrap_or_else(PoisonError::into_inner));
    }

    async fn remains(&self) -> Result<Vec<Remains>> {
        remains::all(self, &*self.engine().await?).await
    }

    async fn found_nodes(&self, cluster: Uuid) -> Result<Vec<FoundNode>> {
        remains::nodes(self, &*self.engine().await?, cluster).await
    }

    async fn free_disks(&self, cluster: Uuid, node: Option<Uuid>) -> Result<()> {
        let engine = self.engine().await?;
        let filters = match node {
            Some(node) => labels::node_is(self, cluster, node),
            None => labels::cluster_is(self, cluster),
        };
        let there = container::list(&engine, filters).await?;
        container::remove_all(&engine, &there).await
    }

    async fn presences(&self) -> Result<Vec<Presence>> {
        presence::all(self, &*self.engine().await?).await
    }

    async fn be_present(&self, presence: &Presence) -> Result<()> {
        presence::renew(self, &*self.engine().await?, presence).await
    }

    async fn forget_presence(&self, instance: Uuid) -> Result<()> {
        presence::remove(self, &*self.engine().await?, instance).await
    }

    /// The same for all projects.
    async fn look_up(&self, _asker: &Asker, kind: Kind, name: &str) -> Result<Found> {
        catalog::look_up(self, kind, name).await
    }

    async fn node_images(&self) -> Result<Vec<NodeImage>> {
        image::of_nodes(&*self.engine().await?).await
    }
}
