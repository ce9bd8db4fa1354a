//! The observed and the desired state, for the planner.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use jeroboam_infra::{Infrastructure, Machine, Network, Observation};
use jeroboam_model::condition;
use jeroboam_model::plan::{self, Desired, DesiredNode, MachineState, Observed};
use jeroboam_model::{Cause, CauseExt, Code, Node, NodeGroup, NodePhase, NodeRole, OperationKind};
use jeroboam_store::{ClusterFacts, ClusterRecord, Held, SecretNames, Store};
use tracing::debug;
use uuid::Uuid;

use crate::engines::{AccessBook, Engines};
use crate::perform::store_cause;
use crate::{Clock, Conductor};

/// The desired state of an operation of this kind, from the cluster's record; with `replace_data` the cluster may start
/// with an empty state.
#[must_use]
pub fn desired(kind: OperationKind, replace_data: bool, record: &ClusterRecord) -> Desired {
    let has_marks = |group: &NodeGroup| !group.node_labels.is_empty() || !group.node_taints.is_empty();
    Desired {
        // Kubelets register their nodes with the groups' labels and taints of that time; an update may have changed
        // them.
        marked: record.cluster.engine.marks_nodes
            && (kind == OperationKind::Update || record.groups.iter().any(has_marks)),
        present: kind != OperationKind::Delete,
        heal: kind == OperationKind::Repair,
        configure: kind != OperationKind::Repair || replace_data,
        nodes: record
            .nodes
            .iter()
            .filter(|node| kind != OperationKind::Repair || condition::is_subject(node, record.cluster.status))
            .map(|node| DesiredNode {
                uuid: node.uuid,
                name: node.name.clone(),
                role: node.role,
                wanted: node.wanted,
                joined: node.joined_at.is_some(),
                group: node.node_group,
            })
            .collect(),
    }
}

/// Why an operation cannot continue, if so: it would put an empty disk in the place of the only one that holds the
/// cluster's state. With `replace_data` that was requested.
#[must_use]
pub fn obstacle(replace_data: bool, desired: &Desired, observed: &Observed) -> Option<Cause> {
    let lost = plan::lost_state(desired, observed);
    if replace_data || lost.is_empty() {
        return None;
    }
    let names: Vec<&str> = lost.iter().map(|node| node.name.as_str()).collect();
    let names = names.join(", ");
    Some(Cause::operator(
        Code::StateLost,
        format!("the disk of {names} is gone, and with it the only copy of the cluster's state"),
        "bring the disk back and retry the operation; or give up all that was in the cluster: retry with \
         --replace-data makes an empty one in its place",
    ))
}

/// Observes clusters for the planner. Clones share connections.
#[derive(Clone)]
pub struct Observer {
    store: Store,
    infra: Arc<dyn Infrastructure>,
    engines: Engines,
    accesses: AccessBook,
    clock: Clock,
}

impl Observer {
    /// Creates an observer.
    #[must_use]
    pub fn new(
        store: Store,
        infra: Arc<dyn Infrastructure>,
        engines: Engines,
        accesses: AccessBook,
        clock: Clock,
    ) -> Self {
        Self { store, infra, engines, accesses, clock }
    }

    /// Observes everything that the planner needs, for an operation that has done nothing yet. `record` and `secrets`
    /// are what the database has, or would have.
    ///
    /// # Errors
    /// Errors of the infrastructure or the database.
    pub async fn look(
        &self,
        kind: OperationKind,
        record: &ClusterRecord,
        secrets: &SecretNames,
    ) -> Result<Observed, Cause> {
        let made = self.infra.observe(record.cluster.uuid).await?;
        self.observe(kind, record, secrets, made).await
    }

    /// The same, with the infrastructure already observed.
    async fn observe(
        &self,
        kind: OperationKind,
        record: &ClusterRecord,
        secrets: &SecretNames,
        made: Observation,
    ) -> Result<Observed, Cause> {
        let cluster = &record.cluster;
        let known: BTreeSet<Uuid> = record.nodes.iter().map(|node| node.uuid).collect();
        let (machines, unknown): (BTreeMap<_, _>, BTreeMap<_, _>) =
            made.machines.into_iter().partition(|(node, _)| known.contains(node));
        let mut strays: BTreeSet<String> = made.strays.into_iter().collect();
        strays.extend(self.left_over(kind, unknown.into_values()).await?.map(|machine| machine.id));

        let is_old = |node: &&Node| {
            let Some(old) = node.replace_machine.as_deref() else { return false };
            match machines.get(&node.uuid) {
                Some(machine) => machine.id == old,
                None => made.disks.contains(&node.uuid),
            }
        };
        let replace = record.nodes.iter().filter(is_old).map(|node| node.uuid).collect();

        let now = self.clock.now();
        let agents: BTreeMap<Uuid, NodePhase> = record
            .nodes
            .iter()
            .filter(|node| !node.is_silent(now))
            .filter_map(|node| Some((node.uuid, node.phase_under(secrets.generation)?)))
            .collect();
        let complete = if kind == OperationKind::Delete {
            // A delete has to remove every secret.
            !secrets.names.is_empty()
        } else {
            cluster.engine.secrets().all(|name| secrets.names.contains(name))
        };
        // Before a master is up its API does not answer, and waiting for a timeout would delay the steps. A repair also
        // asks a master that was up and whose agent is silent: only the agent's connection to us may be broken.
        let may_answer = |node: &Node| match agents.get(&node.uuid) {
            Some(phase) => *phase == NodePhase::Up,
            None => {
                let runs = machines.get(&node.uuid).is_some_and(|machine| machine.state == MachineState::Running);
                kind == OperationKind::Repair && node.joined_at.is_some() && runs
            }
        };
        let answers = record.nodes.iter().any(|node| node.role == NodeRole::Master && may_answer(node));
        let ready =
            if kind == OperationKind::Delete || !answers { BTreeSet::new() } else { self.ready_nodes(record).await };
        Ok(Observed {
            secrets: complete,
            network: made.network.is_some(),
            machines: machines.into_iter().map(|(node, machine)| (node, machine.state)).collect(),
            disks: made.disks.intersection(&known).copied().collect(),
            replace,
            strays,
            agents,
            ready,
            hopeless: BTreeSet::new(),
            unstartable: BTreeSet::new(),
            done: BTreeSet::new(),
        })
    }

    /// Of the machines whose nodes are not known, those that are left over. Not among them are machines that may have
    /// been created after the backup that the database was restored from: they are nodes in use, and go with their
    /// cluster.
    async fn left_over(
        &self,
        kind: OperationKind,
        unknown: impl Iterator<Item = Machine>,
    ) -> Result<impl Iterator<Item = Machine>, Cause> {
        let deployment = self
            .store
            .deployment()
            .await
            .map_err(|problem| store_cause("reading the number of the deployment", &problem))?;
        let since = if kind == OperationKind::Delete { 0 } else { deployment.accepted };
        Ok(unknown.filter(move |machine| since == 0 || machine.number > since))
    }

    /// Nodes that the engine would place work on. None when the engine does not answer: the steps that wait for nodes
    /// report why.
    async fn ready_nodes(&self, record: &ClusterRecord) -> BTreeSet<Uuid> {
        let nodes = async {
            let access = self.accesses.of(record).await?;
            self.engines.of(record.cluster.engine)?.nodes(&access).await
        };
        match nodes.await {
            Ok(nodes) => {
                let ready: BTreeSet<String> =
                    nodes.into_iter().filter(|node| node.ready).map(|node| node.name).collect();
                record.nodes.iter().filter(|node| ready.contains(&node.name)).map(|node| node.uuid).collect()
            }
            Err(cause) => {
                debug!(cluster = %record.cluster.uuid, cause = cause.message, "the engine does not report its nodes");
                BTreeSet::new()
            }
        }
    }
}

impl Conductor {
    /// Observes everything that the planner needs.
    pub(crate) async fn observe(
        &self,
        held: &Held,
        kind: OperationKind,
        record: &ClusterRecord,
    ) -> Result<Observed, Cause> {
        let cluster = &record.cluster;
        let made = self.infra.observe(cluster.uuid).await?;
        if kind != OperationKind::Delete {
            // A killed conductor or a lost answer may have left these unrecorded.
            self.note_network(held, record, made.network.as_ref()).await?;
            for row in &record.nodes {
                if let Some(machine) = made.machines.get(&row.uuid) {
                    self.note_machine(held, record, row, machine).await?;
                }
            }
        }
        let secrets = self
            .store
            .secrets(record.id())
            .await
            .map_err(|problem| store_cause("reading the cluster's secrets", &problem))?;
        let done = self
            .store
            .done_steps(held.operation())
            .await
            .map_err(|problem| store_cause("reading the operation's steps", &problem))?;
        let observed = self.observer.observe(kind, record, &SecretNames::from(&secrets), made).await?;
        Ok(Observed { done, ..observed })
    }

    /// Records the network that a cluster has, if that is not done yet.
    pub(crate) async fn note_network(
        &self,
        held: &Held,
        record: &ClusterRecord,
        network: Option<&Network>,
    ) -> Result<(), Cause> {
        let known = record.cluster.stack_id.as_deref();
        match network {
            Some(network) if known != Some(&network.id) => {
                let facts = ClusterFacts { stack_id: Some(network.id.clone()), ..ClusterFacts::default() };
                note_facts(held, facts).await
            }
            _ => Ok(()),
        }
    }

    /// Records the machine that a node has, and with the first master's the address of the API, if that is not done
    /// yet.
    pub(crate) async fn note_machine(
        &self,
        held: &Held,
        record: &ClusterRecord,
        row: &Node,
        machine: &Machine,
    ) -> Result<(), Cause> {
        if row.machine_id.as_deref() != Some(&machine.id) || row.address != machine.address {
            held.set_machine(row.uuid, &machine.id, machine.address)
                .await
                .map_err(|problem| store_cause("recording the machine", &problem))?;
        }
        let is_first_master = row.role == NodeRole::Master
            && record.nodes.iter().filter(|other| other.role == NodeRole::Master).all(|other| other.slot >= row.slot);
        let (true, Some(address)) = (is_first_master, machine.address) else { return Ok(()) };
        let api_address = Some(format!("https://{}", SocketAddr::new(address, row.target.api_port)));
        if record.cluster.api_address == api_address {
            return Ok(());
        }
        note_facts(held, ClusterFacts { api_address, ..ClusterFacts::default() }).await
    }
}

async fn note_facts(held: &Held, facts: ClusterFacts) -> Result<(), Cause> {
    held.set_facts(facts).await.map_err(|problem| store_cause("recording the cluster's facts", &problem))
}
