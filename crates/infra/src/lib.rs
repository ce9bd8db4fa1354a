//! Infrastructure: creates networks and machines.
//!
//! An [`Infrastructure`] creates and removes networks and machines. It keeps no state of its own: everything is found
//! by its labels. It is independent of engines.
//!
//! - [`catalog`], [`flavor`]: images, flavors and other resources for machines.
//! - [`progress`]: what an infrastructure reports while it works.
//! - [`docker`]: containers of a Docker Engine.
//! - [`simulated`]: a simulation, with latencies and faults from a seed.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod catalog;
pub mod docker;
pub mod flavor;
pub mod progress;
pub mod simulated;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use futures::stream::BoxStream;
use ipnet::Ipv4Net;
use jeroboam_model::node::FoundNode;
use jeroboam_model::plan::MachineState;
use jeroboam_model::{Cause, NodeRole};
use jiff::Timestamp;
use uuid::Uuid;

use self::catalog::{Found, Kind, NodeImage};
pub use self::progress::Progress;

/// Result of a request to an infrastructure. The cause says whether it is retryable.
pub type Result<T> = std::result::Result<T, Cause>;

/// An infrastructure. Every method is idempotent, and can be repeated after a failure, an interruption or a success:
/// what exists already is left as it is, what is gone already is not an error.
#[async_trait]
pub trait Infrastructure: Send + Sync {
    /// Name of the infrastructure: `docker` or `simulated`.
    fn name(&self) -> &'static str;

    /// The address on which the agent endpoint must listen, and the one at which machines reach it.
    async fn agent_endpoint(&self) -> Result<AgentEndpoint>;

    /// Networks of the nodes' addresses. Clusters' other networks (pods, services) must not overlap them.
    fn node_networks(&self) -> Vec<Ipv4Net>;

    /// Everything with the cluster's label.
    async fn observe(&self, cluster: Uuid) -> Result<Observation>;

    /// Ensures that the cluster has its network.
    async fn ensure_network(&self, cluster: &ClusterRef, progress: &Progress) -> Result<Network>;

    /// Ensures that these nodes have running machines. A stopped or paused machine continues with its disk; a node
    /// without a machine gets one, on its disk if that still exists, and only then `bootstrap` is used. Yields each
    /// node's outcome as soon as it is known; a node is missing only when the stream ends early.
    fn ensure_machines<'a>(
        &'a self,
        cluster: &'a ClusterRef,
        machines: &'a [MachineSpec],
        progress: &'a Progress,
    ) -> BoxStream<'a, (Uuid, Result<Machine>)>;

    /// Restarts the node's machine, with its disk, in whatever state it is. A missing machine is not an error: the next
    /// observation finds that.
    async fn restart_machine(&self, cluster: Uuid, node: Uuid) -> Result<()>;

    /// Ensures that these nodes have no machines, no disks, and nothing else of their own. Yields each node's outcome.
    fn remove_machines<'a>(
        &'a self,
        cluster: Uuid,
        nodes: &'a [Uuid],
        progress: &'a Progress,
    ) -> BoxStream<'a, (Uuid, Result<()>)>;

    /// Removes a machine that belongs to no node. `id` as in [`Observation::strays`].
    async fn remove_stray(&self, cluster: Uuid, id: &str) -> Result<()>;

    /// Removes the cluster's network, and whatever else still has the cluster's label.
    async fn remove_network(&self, cluster: Uuid, progress: &Progress) -> Result<()>;

    /// A stream of changes that the infrastructure reports, as soon as they are known. It may report too much, and
    /// periodic checks find what it misses. Ends at once where the infrastructure has no events.
    fn changes(&self) -> BoxStream<'static, Change>;

    /// State or exit of the node's machine, for people: state, exit code, last log lines. `None` when it has none.
    async fn diagnose(&self, cluster: Uuid, node: Uuid) -> Result<Option<Diagnosis>>;

    /// All clusters of which anything exists, for finding leftovers.
    async fn clusters(&self) -> Result<Vec<Uuid>>;

    /// Switches to another id of the deployment, for all objects that are created or looked for from now on.
    fn take_deployment(&self, id: &str);

    /// What exists of all clusters, for finding what the database does not know.
    async fn remains(&self) -> Result<Vec<Remains>>;

    /// The nodes of a cluster that have a machine or a disk, for a database that does not know them.
    async fn found_nodes(&self, cluster: Uuid) -> Result<Vec<FoundNode>>;

    /// Removes the machine of a node, or all machines of the cluster, and keeps their disks, which new machines of the
    /// same nodes then use.
    async fn free_disks(&self, cluster: Uuid, node: Option<Uuid>) -> Result<()>;

    /// The marks that servers of this deployment have left here.
    async fn presences(&self) -> Result<Vec<Presence>>;

    /// Leaves a server's mark, in the place of its earlier one.
    async fn be_present(&self, presence: &Presence) -> Result<()>;

    /// Removes a server's mark.
    async fn forget_presence(&self, instance: Uuid) -> Result<()>;

    /// Looks up a name or id for a user. A missing resource is not an error.
    async fn look_up(&self, asker: &Asker, kind: Kind, name: &str) -> Result<Found>;

    /// The images for nodes that were built for this release.
    async fn node_images(&self) -> Result<Vec<NodeImage>>;
}

/// The user of a look-up: clouds show each project its own resources.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Asker {
    /// The project.
    pub project_id: String,
    /// The user.
    pub user_id: String,
}

/// Something has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Something of this cluster.
    Of(Uuid),
    /// Changes may have been missed; it is not known of which clusters.
    Any,
}

/// Addresses of the agent endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentEndpoint {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Address at which machines reach it.
    pub reach: SocketAddr,
}

/// A cluster, for infrastructures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRef {
    /// Id; the cluster's objects have it as a label.
    pub uuid: Uuid,
    /// Name, for people who look at the infrastructure.
    pub name: String,
    /// Project, for people who look at the infrastructure.
    pub project_id: String,
    /// Name of its engine; machines have it as a label.
    pub engine: String,
    /// The deployment's number; new objects have it as a label.
    pub number: i64,
}

/// What exists of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remains {
    /// Id of the cluster, from the labels.
    pub cluster: Uuid,
    /// Its name, if the labels have it.
    pub name: Option<String>,
    /// Its project, if the labels have it.
    pub project_id: Option<String>,
    /// Name of its engine, if the labels have it: those of earlier releases do not.
    pub engine: Option<String>,
    /// Names of its machines.
    pub machines: Vec<String>,
    /// Names of its disks.
    pub disks: Vec<String>,
    /// Names of its networks.
    pub networks: Vec<String>,
    /// Creation time of its oldest object, where that is known.
    pub created: Option<Timestamp>,
    /// The highest deployment number in its labels; 0 when they have none.
    pub number: i64,
}

/// A server of this deployment, read from its mark at the infrastructure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Its id; a new one at every start.
    pub instance: Uuid,
    /// The deployment's number in its database.
    pub number: i64,
    /// Host name of its machine.
    pub host: String,
    /// Base URL at which it answers agents and other servers, once it listens.
    pub url: Option<String>,
}

/// The objects with a cluster's label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observation {
    /// Its network.
    pub network: Option<Network>,
    /// Its machines by node.
    pub machines: BTreeMap<Uuid, Machine>,
    /// The nodes whose disks exist, with or without a machine.
    pub disks: BTreeSet<Uuid>,
    /// Ids of machines with the cluster's label and no node's, or of a second machine of a node.
    pub strays: Vec<String>,
}

/// A cluster's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Id at the infrastructure.
    pub id: String,
}

/// Specification of a machine.
#[derive(Debug, Clone)]
pub struct MachineSpec {
    /// Id of its node; the machine has it as a label.
    pub node: Uuid,
    /// Host name.
    pub name: String,
    /// Role of its node, for people who look at the infrastructure.
    pub role: NodeRole,
    /// A small number, unique in the cluster: the infrastructure may derive the address from it.
    pub slot: u32,
    /// Image, as the template names it.
    pub image: String,
    /// Flavor, as the template names it.
    pub flavor: Option<String>,
    /// Content of the agent's bootstrap file (JSON). Secret.
    pub bootstrap: String,
}

/// An existing machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Id at the infrastructure.
    pub id: String,
    /// Where it stands.
    pub state: MachineState,
    /// Address under which the cluster's other nodes reach it.
    pub address: Option<IpAddr>,
    /// The deployment's number when it was created; 0 when its labels have none.
    pub number: i64,
}

/// State or exit of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// Where it stands.
    pub state: MachineState,
    /// How often the infrastructure restarted it since it was started last.
    pub restarts: u32,
    /// One sentence, for example `container ended with exit code 137 (killed)`.
    pub summary: String,
    /// Its last log lines, newest last.
    pub log: Vec<String>,
}
