//! A simulated infrastructure: machines, networks and the engine's nodes exist only in this process, with latencies and
//! faults that follow from a seed.
//!
//! It is a simulator, not a mock: it keeps state, its agents report like real ones, and a test (or a user who tries a
//! plan at scale) can make any call fail. The engine on top of it is `jeroboam_engine::simulated`, which uses the same
//! [`World`].

mod agents;
mod catalog;
mod world;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use ipnet::Ipv4Net;
use jeroboam_model::node::FoundNode;
use jeroboam_model::plan::MachineState;
use jeroboam_model::{Cause, CauseExt, Code, NodeRole};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::runtime::Handle;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

pub use self::agents::{AgentSink, Heard};
pub use self::world::{Fault, FaultKind, NotAFault, World};
use self::world::{SimulatedMachine, of};
use crate::catalog::{Found, Kind, NodeImage};
use crate::{
    AgentEndpoint, Asker, Change, ClusterRef, Diagnosis, Infrastructure, Machine, MachineSpec, Network, Observation,
    Presence, Progress, Remains, Result,
};

/// Changes that a slow listener may lag behind before it gets [`Change::Any`].
const CHANGES: usize = 1024;

/// Network of the nodes' addresses, the same in every cluster.
const NODES: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 64, 0, 0), 16);
/// Offset of the address of slot 0 in it.
const FIRST_NODE: u32 = 10;

/// How the simulated cloud behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Seed of all random choices.
    pub seed: u64,
    /// Shortest and longest duration of a call.
    pub latency: (Duration, Duration),
    /// Time from a machine's start until all components of its agent run.
    pub agent_start: Duration,
    /// Share of calls that fail in a retryable way, 0.0 to 1.0.
    pub fault_rate: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            latency: (Duration::from_millis(50), Duration::from_millis(800)),
            agent_start: Duration::from_secs(3),
            fault_rate: 0.0,
        }
    }
}

/// The simulated infrastructure. Clones share one world.
#[derive(Clone)]
pub struct Simulated {
    world: Arc<Mutex<World>>,
    random: Arc<Mutex<StdRng>>,
    settings: Settings,
    sink: Arc<dyn AgentSink>,
    /// The runtime of the agents. They outlive the task that started their machines.
    runtime: Handle,
    changes: broadcast::Sender<Change>,
}

impl Simulated {
    /// An empty world whose agents run on the runtime that this is called on.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn new(settings: Settings, sink: Arc<dyn AgentSink>) -> Self {
        let random = Arc::new(Mutex::new(StdRng::seed_from_u64(settings.seed)));
        let (world, runtime, changes) = (Arc::default(), Handle::current(), broadcast::Sender::new(CHANGES));
        runtime.spawn(agents::beat(Arc::downgrade(&world), sink.clone()));
        Self { world, random, settings, sink, runtime, changes }
    }

    /// The world itself, for the simulated engine and for tests.
    #[must_use]
    pub fn world(&self) -> Arc<Mutex<World>> {
        self.world.clone()
    }

    /// Injects a fault.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Removes the faults that have not struck, and returns them.
    pub fn forget_faults(&self) -> Vec<Fault> {
        std::mem::take(&mut self.lock().faults)
    }

    /// Stops a node's machine, as in a crash. Returns whether it ran.
    pub fn kill(&self, cluster: Uuid, node: Uuid) -> bool {
        let before = self.lock().machines.get_mut(&(cluster, node)).map(|machine| {
            let before = machine.state;
            machine.state = MachineState::Stopped;
            before
        });
        self.tell(cluster);
        before == Some(MachineState::Running)
    }

    /// Makes a node's machine hang: it runs on, but its agent is silent until the machine is restarted.
    pub fn hang(&self, cluster: Uuid, node: Uuid) {
        if let Some(machine) = self.lock().machines.get_mut(&(cluster, node)) {
            machine.hangs = true;
        }
    }

    /// Removes a node's machine behind our back; its disk stays. Returns whether there was one.
    pub fn take_away(&self, cluster: Uuid, node: Uuid) -> bool {
        let machine = self.lock().machines.remove(&(cluster, node));
        self.tell(cluster);
        machine.is_some()
    }

    /// Removes a node's machine behind our back, with its disk. Returns whether there was either.
    pub fn destroy(&self, cluster: Uuid, node: Uuid) -> bool {
        let mut world = self.lock();
        let machine = world.machines.remove(&(cluster, node));
        let disk = world.disks.remove(&(cluster, node));
        drop(world);
        self.tell(cluster);
        machine.is_some() || disk.is_some()
    }

    /// Reports a change to listeners, if there are any.
    fn tell(&self, cluster: Uuid) {
        let _ = self.changes.send(Change::Of(cluster));
    }

    /// Adds a machine of a node that another server created at this number of the deployment.
    pub fn add_machine(&self, cluster: Uuid, node: Uuid, number: i64) {
        let machine = SimulatedMachine {
            id: format!("vm-of-{node}"),
            name: node.to_string(),
            role: NodeRole::Worker,
            state: MachineState::Running,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            starts: 1,
            hangs: false,
            up: false,
            number,
        };
        self.lock().machines.insert((cluster, node), machine);
    }

    /// Adds a machine with the cluster's label that belongs to no node.
    pub fn add_stray(&self, cluster: Uuid, id: &str) {
        self.lock().strays.entry(cluster).or_default().push(id.to_owned());
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a call, which takes some time and may fail: `effect` runs unless the fault comes before it.
    async fn call<T>(&self, name: &'static str, effect: impl FnOnce(&mut World) -> T + Send) -> Result<T> {
        let (pause, unlucky) = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            let (least, most) = self.settings.latency;
            let pause = if most > least { random.random_range(least..most) } else { least };
            (pause, self.settings.fault_rate > 0.0 && random.random_bool(self.settings.fault_rate.min(1.0)))
        };
        tokio::time::sleep(pause).await;
        let fault = self.lock().enter(name).or(unlucky.then_some(FaultKind::Passing));
        self.end(name, fault, effect).await
    }

    /// A look-up in the catalogue: it takes no time, and fails only by an injected fault.
    async fn look<T>(&self, name: &'static str, answer: impl FnOnce() -> T + Send) -> Result<T> {
        self.at_once(name, |_| answer()).await
    }

    /// The same with an effect on the world.
    async fn at_once<T>(&self, name: &'static str, effect: impl FnOnce(&mut World) -> T + Send) -> Result<T> {
        let fault = self.lock().enter(name);
        self.end(name, fault, effect).await
    }

    /// The result of a call, after its fault if there is one.
    async fn end<T>(
        &self,
        name: &'static str,
        fault: Option<FaultKind>,
        effect: impl FnOnce(&mut World) -> T + Send,
    ) -> Result<T> {
        let failed = |cause: Cause| Err(cause.said(format!("simulated fault in {name}")));
        match fault {
            None => Ok(effect(&mut self.lock())),
            Some(FaultKind::Passing) => failed(Cause::passing(
                Code::InfrastructureUnavailable,
                "the simulated cloud does not answer",
                "wait: it is retried automatically",
            )),
            Some(FaultKind::Permanent) => failed(Cause::operator(
                Code::InfrastructureRefused,
                "the simulated cloud refuses",
                "retry the operation once the cloud is in order",
            )),
            Some(FaultKind::AnswerLost) => {
                effect(&mut self.lock());
                failed(Cause::passing(
                    Code::InfrastructureUnavailable,
                    "the simulated cloud's answer was lost",
                    "wait: it is retried automatically",
                ))
            }
            Some(FaultKind::NoCapacity) => failed(
                Cause::operator(
                    Code::InfrastructureOutOfMemory,
                    "the simulated cloud has no capacity left",
                    "delete machines, or use smaller flavors; it is retried automatically",
                )
                .may_pass(),
            ),
            Some(FaultKind::Hang) => std::future::pending().await,
        }
    }

    async fn ensure_machine(&self, cluster: &ClusterRef, spec: &MachineSpec) -> Result<Machine> {
        let (made, is_new) = self
            .call("ensure_machine", |world| {
                let key = (cluster.uuid, spec.node);
                let there = world.machines.get(&key).cloned();
                if let Some(machine) = there.as_ref().filter(|machine| machine.state == MachineState::Running) {
                    return (machine.clone(), false);
                }
                world.engines.insert(cluster.uuid, cluster.engine.clone());
                world.ensure_disk(cluster.uuid, spec.node);
                let machine = match there {
                    // The same machine continues.
                    Some(machine) => SimulatedMachine { state: MachineState::Running, ..machine },
                    None => {
                        world.counter += 1;
                        SimulatedMachine {
                            id: format!("vm-{}", world.counter),
                            name: spec.name.clone(),
                            role: spec.role,
                            state: MachineState::Running,
                            address: address(spec.slot),
                            starts: 0,
                            hangs: world.stillborn,
                            up: false,
                            number: cluster.number,
                        }
                    }
                };
                let machine = SimulatedMachine { starts: machine.starts + 1, up: false, ..machine };
                world.machines.insert(key, machine.clone());
                self.start_agent(cluster.uuid, spec.node, &machine);
                (machine, true)
            })
            .await?;
        tracing::debug!(machine = made.id, is_new, "simulated machine");
        Ok(made.outside())
    }
}

fn slot(address: IpAddr) -> Option<u32> {
    let IpAddr::V4(address) = address else { return None };
    address.to_bits().checked_sub(NODES.network().to_bits() + FIRST_NODE)
}

fn address(slot: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(NODES.network().to_bits() + FIRST_NODE + slot))
}

#[async_trait]
impl Infrastructure for Simulated {
    fn name(&self) -> &'static str {
        "simulated"
    }

    async fn agent_endpoint(&self) -> Result<AgentEndpoint> {
        // Simulated agents need no endpoint; a loopback address keeps the other code unchanged.
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(AgentEndpoint { listen: loopback, reach: loopback })
    }

    fn node_networks(&self) -> Vec<Ipv4Net> {
        vec![NODES]
    }

    async fn observe(&self, cluster: Uuid) -> Result<Observation> {
        self.call("observe", |world| Observation {
            network: world.networks.get(&cluster).map(|id| Network { id: id.clone() }),
            machines: of(&world.machines, cluster).map(|(node, machine)| (node, machine.outside())).collect(),
            disks: of(&world.disks, cluster).map(|(node, _)| node).collect(),
            strays: world.strays.get(&cluster).cloned().unwrap_or_default(),
        })
        .await
    }

    async fn ensure_network(&self, cluster: &ClusterRef, progress: &Progress) -> Result<Network> {
        progress.of_network("creating the simulated network");
        self.call("ensure_network", |world| {
            world.numbers.insert(cluster.uuid, cluster.number);
            let id = world.networks.entry(cluster.uuid).or_insert_with(|| format!("net-{}", cluster.uuid));
            Network { id: id.clone() }
        })
        .await
    }

    fn ensure_machines<'a>(
        &'a self,
        cluster: &'a ClusterRef,
        machines: &'a [MachineSpec],
        progress: &'a Progress,
    ) -> BoxStream<'a, (Uuid, Result<Machine>)> {
        let ensure = move |spec: &'a MachineSpec| async move {
            progress.of_machine(spec.node, "starting the simulated machine");
            (spec.node, self.ensure_machine(cluster, spec).await)
        };
        stream::iter(machines).map(ensure).buffer_unordered(usize::MAX).boxed()
    }

    fn remove_machines<'a>(
        &'a self,
        cluster: Uuid,
        nodes: &'a [Uuid],
        progress: &'a Progress,
    ) -> BoxStream<'a, (Uuid, Result<()>)> {
        let remove = move |node: &'a Uuid| async move {
            progress.of_machine(*node, "removing the simulated machine");
            let done = self.call("remove_machine", |world| {
                world.machines.remove(&(cluster, *node));
                world.disks.remove(&(cluster, *node));
            });
            (*node, done.await)
        };
        stream::iter(nodes).map(remove).buffer_unordered(usize::MAX).boxed()
    }

    async fn restart_machine(&self, cluster: Uuid, node: Uuid) -> Result<()> {
        let started = self
            .call("restart_machine", |world| {
                let machine = world.machines.get_mut(&(cluster, node))?;
                machine.state = MachineState::Running;
                machine.hangs = false;
                machine.up = false;
                machine.starts += 1;
                Some(machine.clone())
            })
            .await?;
        if let Some(machine) = started {
            self.start_agent(cluster, node, &machine);
        }
        Ok(())
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        let told = stream::unfold(self.changes.subscribe(), |mut changes| async {
            match changes.recv().await {
                Ok(change) => Some((change, changes)),
                Err(RecvError::Lagged(_)) => Some((Change::Any, changes)),
                Err(RecvError::Closed) => None,
            }
        });
        told.boxed()
    }

    async fn remove_stray(&self, cluster: Uuid, id: &str) -> Result<()> {
        self.call("remove_stray", |world| {
            if let Some(strays) = world.strays.get_mut(&cluster) {
                strays.retain(|stray| stray != id);
            }
        })
        .await
    }

    async fn remove_network(&self, cluster: Uuid, progress: &Progress) -> Result<()> {
        progress.of_network("removing the simulated network");
        self.call("remove_network", |world| {
            world.networks.remove(&cluster);
            world.engine.remove(&cluster);
            world.machines.retain(|(owner, _), _| *owner != cluster);
            world.disks.retain(|(owner, _), _| *owner != cluster);
            world.strays.remove(&cluster);
            world.numbers.remove(&cluster);
            world.engines.remove(&cluster);
        })
        .await
    }

    async fn diagnose(&self, cluster: Uuid, node: Uuid) -> Result<Option<Diagnosis>> {
        self.call("diagnose", |world| {
            world.machines.get(&(cluster, node)).map(|machine| Diagnosis {
                state: machine.state,
                restarts: 0,
                summary: match machine.state {
                    MachineState::Running => "the simulated machine runs".into(),
                    MachineState::Created => "the simulated machine is not started yet".into(),
                    MachineState::Paused => "the simulated machine is paused".into(),
                    MachineState::CutOff => "the simulated machine is on no network".into(),
                    MachineState::Stopped => "the simulated machine ended with exit code 137 (killed)".into(),
                },
                log: vec!["simulated".into()],
            })
        })
        .await
    }

    async fn clusters(&self) -> Result<Vec<Uuid>> {
        self.call("clusters", |world| world.clusters().into_iter().collect()).await
    }

    /// Does nothing: no other deployment shares the simulated cloud.
    fn take_deployment(&self, _: &str) {}

    async fn remains(&self) -> Result<Vec<Remains>> {
        self.at_once("remains", |world| world.clusters().into_iter().map(|cluster| world.remains(cluster)).collect())
            .await
    }

    async fn found_nodes(&self, cluster: Uuid) -> Result<Vec<FoundNode>> {
        self.at_once("found_nodes", |world| world.found_nodes(cluster)).await
    }

    async fn free_disks(&self, cluster: Uuid, node: Option<Uuid>) -> Result<()> {
        let is_freed = |owner: Uuid, of: Uuid| owner == cluster && node.is_none_or(|node| node == of);
        self.at_once("free_disks", |world| world.machines.retain(|(owner, of), _| !is_freed(*owner, *of))).await
    }

    async fn presences(&self) -> Result<Vec<Presence>> {
        self.at_once("presences", |world| world.presences.values().cloned().collect()).await
    }

    async fn be_present(&self, presence: &Presence) -> Result<()> {
        self.at_once("be_present", |world| {
            world.presences.insert(presence.instance, presence.clone());
        })
        .await
    }

    async fn forget_presence(&self, instance: Uuid) -> Result<()> {
        self.at_once("forget_presence", |world| {
            world.presences.remove(&instance);
        })
        .await
    }

    async fn look_up(&self, _asker: &Asker, kind: Kind, name: &str) -> Result<Found> {
        self.look("look_up", || catalog::look_up(kind, name)).await
    }

    async fn node_images(&self) -> Result<Vec<NodeImage>> {
        self.look("node_images", catalog::node_images).await
    }
}
