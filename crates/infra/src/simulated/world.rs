//! The simulated state, and the injected faults.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::str::FromStr;

use jeroboam_model::NodeRole;
use jeroboam_model::node::FoundNode;
use jeroboam_model::plan::MachineState;
use strum::VariantNames;
use uuid::Uuid;

use crate::{Machine, Presence, Remains};

/// An injected fault: it hits the `nth` call (0 is the next) of `call`, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Name of the call, as in [`World::calls`].
    pub call: &'static str,
    /// How many calls of that name succeed before.
    pub nth: usize,
    /// What happens.
    pub kind: FaultKind,
}

/// What a [`Fault`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum FaultKind {
    /// The call fails before it did anything, and succeeds when retried.
    Passing,
    /// The call fails permanently, before it did anything.
    Permanent,
    /// The call takes effect, but its answer is lost.
    AnswerLost,
    /// The call never returns, as for a conductor that is killed during the call.
    Hang,
    /// The cloud has no capacity left, until others free some.
    NoCapacity,
}

/// Calls that a user can inject faults into.
const CALLS: [&str; 12] = [
    "observe",
    "ensure_network",
    "ensure_machine",
    "restart_machine",
    "remove_machine",
    "remove_network",
    "diagnose",
    "configure",
    "mark",
    "nodes",
    "drain",
    "forget",
];

/// The text is not a valid [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no fault such as ensure_machine:0:passing (call, calls before it, kind). Calls: {calls}. Kinds: {kinds}",
    calls = CALLS.join(", "), kinds = FaultKind::VARIANTS.join(", "))]
pub struct NotAFault(String);

impl FromStr for Fault {
    type Err = NotAFault;

    /// Parses `CALL:NTH:KIND`.
    fn from_str(text: &str) -> Result<Self, NotAFault> {
        let read = || {
            let (call, rest) = text.split_once(':')?;
            let (nth, kind) = rest.split_once(':')?;
            let call = CALLS.into_iter().find(|known| *known == call)?;
            Some(Self { call, nth: nth.parse().ok()?, kind: kind.parse().ok()? })
        };
        read().ok_or_else(|| NotAFault(text.to_owned()))
    }
}

/// The simulated state. Shared by the infrastructure, its agents and the simulated engine.
#[derive(Debug, Default)]
pub struct World {
    pub(super) networks: HashMap<Uuid, String>,
    pub(super) machines: BTreeMap<(Uuid, Uuid), SimulatedMachine>,
    /// Disks by cluster and node, each with a number that is unique among all disks ever created.
    pub(super) disks: BTreeMap<(Uuid, Uuid), u64>,
    pub(super) strays: BTreeMap<Uuid, Vec<String>>,
    /// Marks of servers.
    pub(super) presences: BTreeMap<Uuid, Presence>,
    /// The deployment's number when the cluster's newest object was created.
    pub(super) numbers: BTreeMap<Uuid, i64>,
    /// Engines of the clusters that have had machines.
    pub(super) engines: BTreeMap<Uuid, String>,
    /// Nodes that joined a cluster's engine, by name.
    pub(super) engine: HashMap<Uuid, BTreeMap<String, NodeRole>>,
    pub(super) faults: Vec<Fault>,
    /// Names of all calls so far, in order.
    pub calls: Vec<&'static str>,
    pub(super) counter: u64,
    /// Machines that are created from now on do nothing: their agents never report.
    pub stillborn: bool,
}

#[derive(Debug, Clone)]
pub(super) struct SimulatedMachine {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) role: NodeRole,
    pub(super) state: MachineState,
    pub(super) address: IpAddr,
    /// How often it was started.
    pub(super) starts: u32,
    /// Whether it hangs, until it is restarted.
    pub(super) hangs: bool,
    /// Whether all components of its agent run.
    pub(super) up: bool,
    /// The deployment's number when it was created.
    pub(super) number: i64,
}

impl World {
    /// Number of networks and machines that exist, to find leftovers.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.networks.len(), self.machines.len() + self.strays.values().map(Vec::len).sum::<usize>())
    }

    /// Descriptions of everything that exists, except calls and faults.
    #[must_use]
    pub fn left_over(&self) -> Vec<String> {
        let networks = self.networks.values().cloned();
        let machines = self.machines.values().map(|machine| machine.id.clone());
        let disks = self.disks.keys().map(|(_, node)| format!("disk of {node}"));
        let strays = self.strays.values().flatten().cloned();
        networks.chain(machines).chain(disks).chain(strays).collect()
    }

    /// Names and roles of nodes that a cluster's engine knows.
    #[must_use]
    pub fn engine_nodes(&self, cluster: Uuid) -> Vec<(String, NodeRole)> {
        self.engine
            .get(&cluster)
            .map(|nodes| nodes.iter().map(|(name, role)| (name.clone(), *role)).collect())
            .unwrap_or_default()
    }

    /// Removes a node from the engine.
    pub fn engine_forget(&mut self, cluster: Uuid, name: &str) {
        if let Some(nodes) = self.engine.get_mut(&cluster) {
            nodes.remove(name);
        }
    }

    /// Whether the machine of the node with this name runs.
    #[must_use]
    pub fn is_running(&self, cluster: Uuid, name: &str) -> bool {
        of(&self.machines, cluster).any(|(_, machine)| machine.name == name && machine.is_running())
    }

    /// Whether faults are left that have not struck.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// The number of a node's disk: unchanged as long as its data exists.
    #[must_use]
    pub fn disk(&self, cluster: Uuid, node: Uuid) -> Option<u64> {
        self.disks.get(&(cluster, node)).copied()
    }

    /// All clusters of which anything exists.
    pub(super) fn clusters(&self) -> BTreeSet<Uuid> {
        let machines = self.machines.keys().chain(self.disks.keys()).map(|(cluster, _)| *cluster);
        self.networks.keys().chain(self.strays.keys()).copied().chain(machines).collect()
    }

    /// What exists of a cluster.
    pub(super) fn remains(&self, cluster: Uuid) -> Remains {
        Remains {
            cluster,
            machines: of(&self.machines, cluster).map(|(_, machine)| machine.name.clone()).collect(),
            disks: of(&self.disks, cluster).map(|(_, number)| format!("disk-{number}")).collect(),
            networks: self.networks.get(&cluster).into_iter().cloned().collect(),
            engine: self.engines.get(&cluster).cloned(),
            number: self.numbers.get(&cluster).copied().unwrap_or_default(),
            ..Remains::default()
        }
    }

    /// The nodes of a cluster that have machines: disks here have no names.
    pub(super) fn found_nodes(&self, cluster: Uuid) -> Vec<FoundNode> {
        let machines = self.machines.iter().filter(|((owner, _), _)| *owner == cluster);
        let found = machines.map(|((_, uuid), machine)| FoundNode {
            uuid: *uuid,
            name: machine.name.clone(),
            role: machine.role,
            slot: super::slot(machine.address),
        });
        found.collect()
    }

    /// Ensures that the node has a disk.
    pub(super) fn ensure_disk(&mut self, cluster: Uuid, node: Uuid) {
        self.counter += 1;
        self.disks.entry((cluster, node)).or_insert(self.counter);
    }

    /// Whether a node's machine still runs, and was not restarted since its agent was started.
    pub(super) fn is_alive(&self, cluster: Uuid, node: Uuid, earlier: &SimulatedMachine) -> bool {
        self.machines.get(&(cluster, node)).is_some_and(|now| now.is_same_run(earlier) && now.is_running())
    }

    /// Marks a node's agent as up and adds the node to the engine. False when its machine no longer runs.
    pub(super) fn come_up(&mut self, cluster: Uuid, node: Uuid, earlier: &SimulatedMachine) -> bool {
        if !self.is_alive(cluster, node, earlier) {
            return false;
        }
        if let Some(machine) = self.machines.get_mut(&(cluster, node)) {
            machine.up = true;
            self.engine.entry(cluster).or_default().insert(machine.name.clone(), machine.role);
        }
        true
    }

    /// The nodes whose agents have come up and still run.
    pub(super) fn nodes_up(&self) -> Vec<Uuid> {
        let is_up = |machine: &SimulatedMachine| machine.up && machine.is_running();
        self.machines.iter().filter(|(_, machine)| is_up(machine)).map(|((_, node), _)| *node).collect()
    }

    /// Records a call and returns the fault injected for it, if any.
    pub fn enter(&mut self, call: &'static str) -> Option<FaultKind> {
        self.calls.push(call);
        let mut hit = None;
        self.faults.retain_mut(|fault| {
            if fault.call != call || hit.is_some() {
                return true;
            }
            if fault.nth > 0 {
                fault.nth -= 1;
                return true;
            }
            hit = Some(fault.kind);
            false
        });
        hit
    }
}

/// The entries of one cluster, by node.
pub(super) fn of<T>(all: &BTreeMap<(Uuid, Uuid), T>, cluster: Uuid) -> impl Iterator<Item = (Uuid, &T)> {
    all.range((cluster, Uuid::nil())..=(cluster, Uuid::max())).map(|((_, node), one)| (*node, one))
}

impl SimulatedMachine {
    fn is_running(&self) -> bool {
        self.state == MachineState::Running && !self.hangs
    }

    pub(super) fn outside(&self) -> Machine {
        Machine { id: self.id.clone(), state: self.state, address: Some(self.address), number: self.number }
    }

    /// Whether it was not restarted since.
    pub(super) fn is_same_run(&self, earlier: &Self) -> bool {
        (&self.id, self.starts) == (&earlier.id, earlier.starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_and_what_is_none_is_refused_with_what_there_is() {
        let fault = Fault { call: "ensure_machine", nth: 1, kind: FaultKind::AnswerLost };
        assert_eq!("ensure_machine:1:answer-lost".parse(), Ok(fault));
        for bad in
            ["", "ensure_machine", "ensure_machine:passing", "fly:0:passing", "observe:x:passing", "observe:0:odd"]
        {
            let said = bad.parse::<Fault>().unwrap_err().to_string();
            assert!(said.contains("remove_network") && said.contains("no-capacity"), "{said}");
        }
    }
}
