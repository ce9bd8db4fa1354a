//! Where machines come from.
//!
//! An [`Infrastructure`] makes networks and machines and takes them away again. It keeps no state of its own: what
//! there is, is found by the marks that every thing carries. It knows nothing of engines.
//!
//! - [`catalog`], [`flavor`]: what machines can be made of.
//! - [`progress`]: what an infrastructure reports while it works.
//! - [`docker`]: containers of a Docker Engine.
//! - [`simulated`]: nothing real, with latencies and faults by a seed.
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

/// An outcome of asking an infrastructure. The cause says whether it may pass.
pub type Result<T> = std::result::Result<T, Cause>;

/// Where machines come from. Every method may be called again after it failed, was cut off or succeeded: what is
/// there already is left as it is, what is gone already is no error.
#[async_trait]
pub trait Infrastructure: Send + Sync {
    /// `docker`, `simulated`.
    fn name(&self) -> &'static str;

    /// Where the agents' endpoint must listen and how machines reach it.
    async fn agent_endpoint(&self) -> Result<AgentEndpoint>;

    /// Where the addresses of clusters' nodes are from. What else clusters number (pods, services) must lie elsewhere.
    fn node_networks(&self) -> Vec<Ipv4Net>;

    /// All that carries the cluster's mark.
    async fn observe(&self, cluster: Uuid) -> Result<Observation>;

    /// The cluster has its network.
    async fn ensure_network(&self, cluster: &ClusterRef, progress: &Progress) -> Result<Network>;

    /// These nodes have running machines. A machine that stopped or was paused goes on, with its disk; a node without a
    /// machine gets one, on its disk if that is still there, and only then `bootstrap` is used. Yields how each node
    /// fared, as it is known; a node is left out only when the stream ends early.
    fn ensure_machines<'a>(
        &'a self,
        cluster: &'a ClusterRef,
        machines: &'a [MachineSpec],
        progress: &'a Progress,
    ) -> BoxStream<'a, (Uuid, Result<Machine>)>;

    /// The node's machine is started anew, with its disk, whatever it is doing. One that is gone is no error: the next
    /// look finds that.
    async fn restart_machine(&self, cluster: Uuid, node: Uuid) -> Result<()>;

    /// These nodes have no machines, nor disks, nor anything that belonged to them alone. Yields how each fared.
    fn remove_machines<'a>(
        &'a self,
        cluster: Uuid,
        nodes: &'a [Uuid],
        progress: &'a Progress,
    ) -> BoxStream<'a, (Uuid, Result<()>)>;

    /// A machine that belongs to no node is gone. `id` as in [`Observation::strays`].
    async fn remove_stray(&self, cluster: Uuid, id: &str) -> Result<()>;

    /// The cluster's network is gone, and whatever else still carries the cluster's mark.
    async fn remove_network(&self, cluster: Uuid, progress: &Progress) -> Result<()>;

    /// Tells of what changes by itself, as soon as that is known. It may tell too much, and what it misses is found by
    /// looking now and then; one that knows of nothing ends.
    fn changes(&self) -> BoxStream<'static, Change>;

    /// How the node's machine ended or is, for people: state, exit code, its last words. `None` when it has none.
    async fn diagnose(&self, cluster: Uuid, node: Uuid) -> Result<Option<Diagnosis>>;

    /// All clusters of which something is here, for finding what nobody knows of any more.
    async fn clusters(&self) -> Result<Vec<Uuid>>;

    /// From now on things are made and looked for under another deployment's id.
    fn take_deployment(&self, id: &str);

    /// What there is of all clusters, for finding what the database does not know.
    async fn remains(&self) -> Result<Vec<Remains>>;

    /// The nodes of a cluster of which there is a machine or a disk, for a database that does not know them.
    async fn found_nodes(&self, cluster: Uuid) -> Result<Vec<FoundNode>>;

    /// The cluster's machines are gone, and their disks stay: machines that are made for the same nodes go on with them.
    async fn free_disks(&self, cluster: Uuid) -> Result<()>;

    /// The marks that servers of this deployment have left here.
    async fn presences(&self) -> Result<Vec<Presence>>;

    /// A server leaves its mark, in the place of the one that it left before.
    async fn be_present(&self, presence: &Presence) -> Result<()>;

    /// A server's mark is gone.
    async fn forget_presence(&self, instance: Uuid) -> Result<()>;

    /// What there is under a name or id for somebody, before anything is made of it. What is not there is no error.
    async fn look_up(&self, asker: &Asker, kind: Kind, name: &str) -> Result<Found>;

    /// The images that nodes can be made of, as far as they are of this release.
    async fn node_images(&self) -> Result<Vec<NodeImage>>;
}

/// For whom something is looked up: clouds show each project its own things.
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
    /// Something may have been missed: nobody knows of whom.
    Any,
}

/// Where agents call home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentEndpoint {
    /// To listen on.
    pub listen: SocketAddr,
    /// How machines reach it.
    pub reach: SocketAddr,
}

/// A cluster as infrastructures know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRef {
    /// Id; what is made carries it as a mark.
    pub uuid: Uuid,
    /// Name, for people who look at the infrastructure.
    pub name: String,
    /// Project, for people who look at the infrastructure.
    pub project_id: String,
    /// Name of its engine; machines carry it as a mark.
    pub engine: String,
    /// How far the deployment has come; what is made carries it as a mark.
    pub number: i64,
}

/// What there is of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remains {
    /// The cluster, by its mark.
    pub cluster: Uuid,
    /// Its name, if the marks have it.
    pub name: Option<String>,
    /// Its project, if the marks have it.
    pub project_id: Option<String>,
    /// Its engine by name, if the marks have it: those of earlier releases do not.
    pub engine: Option<String>,
    /// Names of its machines.
    pub machines: Vec<String>,
    /// Names of its disks.
    pub disks: Vec<String>,
    /// Names of its networks.
    pub networks: Vec<String>,
    /// When the oldest of it was made, where that is known.
    pub created: Option<Timestamp>,
    /// The highest number that its marks carry; 0 when none does.
    pub number: i64,
}

/// A server of this deployment, as its mark at the infrastructure has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Its id; another one for every start.
    pub instance: Uuid,
    /// How far its database had come.
    pub number: i64,
    /// The machine that it runs on.
    pub host: String,
    /// Base URL at which it answers agents and other servers, once it does.
    pub url: Option<String>,
}

/// What carries a cluster's mark.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observation {
    /// Its network.
    pub network: Option<Network>,
    /// Its machines by the node whose mark they carry.
    pub machines: BTreeMap<Uuid, Machine>,
    /// The nodes whose disks are there, with a machine or without.
    pub disks: BTreeSet<Uuid>,
    /// Machines with the cluster's mark and no node's, or a second one of the same node.
    pub strays: Vec<String>,
}

/// A cluster's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Id at the infrastructure.
    pub id: String,
}

/// A machine that is wanted.
#[derive(Debug, Clone)]
pub struct MachineSpec {
    /// The node it is for; it carries that as a mark.
    pub node: Uuid,
    /// Host name.
    pub name: String,
    /// What it will carry, for people who look at the infrastructure.
    pub role: NodeRole,
    /// Unique in the cluster, small: the infrastructure may derive the address from it.
    pub slot: u32,
    /// Image, as the template names it.
    pub image: String,
    /// Flavor, as the template names it.
    pub flavor: Option<String>,
    /// Content of the agent's bootstrap file (JSON). Secret.
    pub bootstrap: String,
}

/// A machine that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Id at the infrastructure.
    pub id: String,
    /// Where it stands.
    pub state: MachineState,
    /// Address under which the cluster's other nodes reach it.
    pub address: Option<IpAddr>,
    /// How far the deployment had come when it was made; 0 when its marks do not say.
    pub number: i64,
}

/// How a machine ended or is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// Where it stands.
    pub state: MachineState,
    /// One sentence, for example `container ended with exit code 137 (killed)`.
    pub summary: String,
    /// Its last words, newest last.
    pub log: Vec<String>,
}
