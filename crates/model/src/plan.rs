//! From desired and observed to the steps that are missing.
//!
//! [`plan`] is all there is to know about how clusters come, change and go. It is pure and looks only at facts: what
//! is there already needs no step, so that planning again after a crash, a failure or another user's change goes on
//! where things stand. Steps of one stage run side by side, stages one after the other:
//!
//! | stage | towards present | towards absent |
//! |---|---|---|
//! | 1 | authorities, network; remedies; machines that are to be replaced: away | machines away |
//! | 2 | machines (strays away) | network away |
//! | 3 | agents have brought up their nodes | authorities away |
//! | 4 | engine configured | |
//! | 5 | nodes ready for work | |
//! | 6 | labels and taints on nodes; nodes that go: drained | |
//! | 7 | nodes that go: machines away | |
//! | 8 | nodes that go: forgotten by the engine | |

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::{NodePhase, NodeRole};

mod disturbance;
mod forecast;
mod reason;
mod remedy;
#[cfg(test)]
mod tests;

pub use disturbance::{disturbances, disturbances_at_once};
pub use forecast::forecast;
pub use remedy::too_many_unwell;

/// What should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Whether the cluster should be there at all.
    pub present: bool,
    /// Its nodes: those that should be, and those that are to go.
    pub nodes: Vec<DesiredNode>,
    /// Whether nodes have labels and taints of their groups, or may have had.
    pub marked: bool,
    /// Whether nodes that do not come up by themselves are helped, and left out once nothing helps.
    pub heal: bool,
    /// Whether the engine is to be configured.
    pub configure: bool,
}

/// A node that should be there, or should go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredNode {
    /// Id.
    pub uuid: Uuid,
    /// Name, for titles and for the engine.
    pub name: String,
    /// Role.
    pub role: NodeRole,
    /// Whether it should be.
    pub wanted: bool,
    /// Whether it has been up: from then on its disk may hold what is nowhere else.
    pub joined: bool,
    /// Its node group.
    pub group: Uuid,
}

/// What is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// Whether the cluster has its authorities.
    pub secrets: bool,
    /// Whether the cluster has its network.
    pub network: bool,
    /// Machines by node.
    pub machines: BTreeMap<Uuid, MachineState>,
    /// Nodes whose disks are there, with a machine or without.
    pub disks: BTreeSet<Uuid>,
    /// Nodes whose machine and disk are to be replaced, and still are the old ones.
    pub replace: BTreeSet<Uuid>,
    /// Machines that carry the cluster's mark but belong to no node of it: ids at the infrastructure.
    pub strays: BTreeSet<String>,
    /// What agents say, as far as they can be trusted (silent ones are absent).
    pub agents: BTreeMap<Uuid, NodePhase>,
    /// Nodes that the engine would place work on.
    pub ready: BTreeSet<Uuid>,
    /// Nodes that were waited for long enough as they are.
    pub hopeless: BTreeSet<Uuid>,
    /// Nodes whose machines the infrastructure has refused to start.
    pub unstartable: BTreeSet<Uuid>,
    /// Keys of steps that leave nothing behind to look at and that this operation has done already.
    pub done: BTreeSet<String>,
}

/// Where a machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineState {
    /// Being made: there, not started yet.
    Created,
    /// Runs.
    Running,
    /// Its processes are held still. It goes on where it was.
    Paused,
    /// Runs, but is on no network any more: nothing reaches it. It has to be made anew, on its disk.
    CutOff,
    /// Was there, has ended. It can be started again, with its disk.
    Stopped,
}

/// A step: what to do, and when in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// Steps of one stage run side by side.
    pub stage: u16,
    /// What is missing or too much, in one line.
    pub because: String,
}

/// A node as steps name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRef {
    /// Id.
    pub uuid: Uuid,
    /// Name.
    pub name: String,
}

/// What a step does. Every action is "see to it that ...": doing it twice does no more than doing it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The cluster has its authorities.
    EnsureSecrets,
    /// The cluster has its network.
    EnsureNetwork,
    /// The node has a running machine. One that stopped is started, with its disk.
    EnsureMachine(NodeRef),
    /// All components of the node are started anew.
    RestartComponents(NodeRef),
    /// The node's machine is started anew, with its disk.
    RestartMachine(NodeRef),
    /// The node gets another machine with another disk: the engine forgets it, and its machine counts as gone.
    ReplaceMachine(NodeRef),
    /// The node's agent says that all its components run.
    AwaitAgent(NodeRef),
    /// The engine is set up for what we need in it.
    ConfigureEngine,
    /// The engine would place work on the node.
    AwaitReady(NodeRef),
    /// The engine's nodes have the labels and taints of their groups.
    MarkNodes,
    /// Nothing runs on the node any more that can run elsewhere.
    Drain(NodeRef),
    /// The node has no machine.
    RemoveMachine(NodeRef),
    /// The engine and the store have forgotten the node.
    Forget(NodeRef),
    /// A machine that belongs to no node is gone.
    RemoveStray(String),
    /// The network is gone.
    RemoveNetwork,
    /// The authorities and all other secrets are gone.
    RemoveSecrets,
}

impl Action {
    /// Unique in an operation and the same after every planning: what a step's record is found by.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::EnsureSecrets => "secrets".into(),
            Self::EnsureNetwork => "network".into(),
            Self::EnsureMachine(node) => format!("machine/{}", node.name),
            Self::RestartComponents(node) => format!("restart-components/{}", node.name),
            Self::RestartMachine(node) => format!("restart-machine/{}", node.name),
            Self::ReplaceMachine(node) => format!("replace-machine/{}", node.name),
            Self::AwaitAgent(node) => format!("node/{}", node.name),
            Self::ConfigureEngine => "engine".into(),
            Self::AwaitReady(node) => format!("ready/{}", node.name),
            Self::MarkNodes => "marks".into(),
            Self::Drain(node) => format!("drain/{}", node.name),
            Self::RemoveMachine(node) => format!("remove-machine/{}", node.name),
            Self::Forget(node) => format!("forget/{}", node.name),
            Self::RemoveStray(machine) => format!("remove-stray/{machine}"),
            Self::RemoveNetwork => "remove-network".into(),
            Self::RemoveSecrets => "remove-secrets".into(),
        }
    }

    /// For people.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::EnsureSecrets => "Make certificate authorities".into(),
            Self::EnsureNetwork => "Make network".into(),
            Self::EnsureMachine(node) => format!("Start machine {}", node.name),
            Self::RestartComponents(node) => format!("Restart the components of node {}", node.name),
            Self::RestartMachine(node) => format!("Restart machine {}", node.name),
            Self::ReplaceMachine(node) => format!("Replace machine {}", node.name),
            Self::AwaitAgent(node) => format!("Bring up node {}", node.name),
            Self::ConfigureEngine => "Configure the engine".into(),
            Self::AwaitReady(node) => format!("Node {} is ready", node.name),
            Self::MarkNodes => "Put labels and taints on nodes".into(),
            Self::Drain(node) => format!("Drain node {}", node.name),
            Self::RemoveMachine(node) => format!("Remove machine {}", node.name),
            Self::Forget(node) => format!("Take node {} out of the engine", node.name),
            Self::RemoveStray(machine) => format!("Remove left-over machine {machine:.12}"),
            Self::RemoveNetwork => "Remove network".into(),
            Self::RemoveSecrets => "Remove certificates and keys".into(),
        }
    }

    /// Whether it changes nothing, but waits for what the node's agent or the engine does by itself.
    #[must_use]
    pub fn is_wait(&self) -> bool {
        matches!(self, Self::AwaitAgent(_) | Self::AwaitReady(_))
    }

    /// The node that it is about, if it is about one.
    #[must_use]
    pub fn node(&self) -> Option<&NodeRef> {
        match self {
            Self::EnsureMachine(node)
            | Self::RestartComponents(node)
            | Self::RestartMachine(node)
            | Self::ReplaceMachine(node)
            | Self::AwaitAgent(node)
            | Self::AwaitReady(node)
            | Self::Drain(node)
            | Self::RemoveMachine(node)
            | Self::Forget(node) => Some(node),
            Self::EnsureSecrets
            | Self::EnsureNetwork
            | Self::ConfigureEngine
            | Self::MarkNodes
            | Self::RemoveStray(_)
            | Self::RemoveNetwork
            | Self::RemoveSecrets => None,
        }
    }

    /// Whether its effect cannot be observed, so that only its record says that it is done.
    #[must_use]
    pub fn leaves_no_trace(&self) -> bool {
        matches!(self, Self::ConfigureEngine | Self::MarkNodes | Self::Drain(_)) || self.is_remedy()
    }

    /// Whether it helps a node that does not come up by itself. Each is tried once in an operation.
    #[must_use]
    pub fn is_remedy(&self) -> bool {
        matches!(self, Self::RestartComponents(_) | Self::RestartMachine(_) | Self::ReplaceMachine(_))
    }
}

/// The steps from `observed` to `desired`, in order. Empty when there is nothing to do.
#[must_use]
pub fn plan(desired: &Desired, observed: &Observed) -> Vec<Step> {
    let mut steps =
        if desired.present { towards_present(desired, observed) } else { towards_absent(desired, observed) };
    steps.retain(|step| !(step.action.leaves_no_trace() && observed.done.contains(&step.action.key())));
    steps.sort_by_key(|step| step.stage);
    steps
}

/// Whether a step with this key [helps a node](Action::is_remedy).
#[must_use]
pub fn is_remedy_key(key: &str) -> bool {
    ["restart-components/", "restart-machine/", "replace-machine/"].iter().any(|word| key.starts_with(word))
}

/// The masters whose disks are gone with the only copy of the cluster's state: what would be made in their place would
/// begin with nothing. Empty as long as another master has it, or none ever had.
#[must_use]
pub fn lost_state(desired: &Desired, observed: &Observed) -> Vec<NodeRef> {
    if !desired.present {
        return Vec::new();
    }
    let holds = |node: &&DesiredNode| node.role == NodeRole::Master && node.joined;
    let is_there = |node: &DesiredNode| {
        let is_kept = !observed.replace.contains(&node.uuid);
        is_kept && (observed.disks.contains(&node.uuid) || observed.machines.contains_key(&node.uuid))
    };
    let (there, gone): (Vec<&DesiredNode>, Vec<_>) =
        desired.nodes.iter().filter(holds).partition(|node| is_there(node));
    if there.is_empty() { gone.into_iter().map(DesiredNode::reference).collect() } else { Vec::new() }
}

/// The nodes that are not as they should be: their agents do not say that they are up, or the engine would not place work
/// on them.
#[must_use]
pub fn unwell<'a>(desired: &'a Desired, observed: &Observed) -> Vec<&'a DesiredNode> {
    desired.nodes.iter().filter(|node| node.wanted && !remedy::is_well(node, observed)).collect()
}

fn towards_present(desired: &Desired, observed: &Observed) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut step = |stage, action| steps.push(Step::new(stage, action, desired, observed));

    if !observed.secrets {
        step(1, Action::EnsureSecrets);
    }
    if !observed.network {
        step(1, Action::EnsureNetwork);
    }
    for stray in &observed.strays {
        step(2, Action::RemoveStray(stray.clone()));
    }
    // Groups of which a machine is replaced: one at a time.
    let mut replacing = BTreeSet::new();
    // Masters first, only for the eye: the order within a stage carries no meaning.
    let mut nodes: Vec<&DesiredNode> = desired.nodes.iter().collect();
    nodes.sort_by_key(|node| node.role == NodeRole::Worker);
    for node in &nodes {
        let is = NodeState::of(node, observed);
        if node.wanted {
            if observed.replace.contains(&node.uuid) {
                step(1, Action::RemoveMachine(node.reference()));
            }
            if !is.running && desired.heal && observed.unstartable.contains(&node.uuid) {
                // The others come back without it.
                continue;
            }
            if !is.running {
                step(2, Action::EnsureMachine(node.reference()));
            } else if let Some(remedy) = remedy::next(node, desired, observed) {
                let is_first = !matches!(remedy, Action::ReplaceMachine(_)) || replacing.insert(node.group);
                if is_first {
                    step(1, remedy);
                }
            } else if desired.heal && observed.hopeless.contains(&node.uuid) {
                // Nothing is left to do for it, or not now: the others do not wait for it.
                continue;
            }
            // What an agent said from a machine that does not run any more is worth nothing.
            if !is.running || !is.up {
                step(3, Action::AwaitAgent(node.reference()));
            }
            if !is.running || !is.up || !is.ready {
                step(5, Action::AwaitReady(node.reference()));
            }
        } else {
            if is.running && is.up {
                step(6, Action::Drain(node.reference()));
            }
            if is.machine {
                step(7, Action::RemoveMachine(node.reference()));
            }
            step(8, Action::Forget(node.reference()));
        }
    }
    if desired.configure {
        step(4, Action::ConfigureEngine);
    }
    if desired.marked {
        step(6, Action::MarkNodes);
    }
    steps
}

fn towards_absent(desired: &Desired, observed: &Observed) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut step = |stage, action| steps.push(Step::new(stage, action, desired, observed));

    let has_any =
        |node: &&DesiredNode| observed.machines.contains_key(&node.uuid) || observed.disks.contains(&node.uuid);
    for node in desired.nodes.iter().filter(has_any) {
        step(1, Action::RemoveMachine(node.reference()));
    }
    for stray in &observed.strays {
        step(1, Action::RemoveStray(stray.clone()));
    }
    if observed.network {
        step(2, Action::RemoveNetwork);
    }
    if observed.secrets {
        step(3, Action::RemoveSecrets);
    }
    steps
}

struct NodeState {
    machine: bool,
    running: bool,
    up: bool,
    ready: bool,
}

impl NodeState {
    fn of(node: &DesiredNode, observed: &Observed) -> Self {
        let machine = observed.machines.get(&node.uuid).filter(|_| !observed.replace.contains(&node.uuid));
        let running = match machine {
            Some(MachineState::Running) => true,
            // Backups hold a machine still for a moment. One that stays so is silent before long.
            Some(MachineState::Paused) => observed.agents.contains_key(&node.uuid),
            Some(MachineState::Created | MachineState::Stopped | MachineState::CutOff) | None => false,
        };
        Self {
            machine: machine.is_some() || observed.disks.contains(&node.uuid),
            running,
            up: observed.agents.get(&node.uuid) == Some(&NodePhase::Up),
            ready: observed.ready.contains(&node.uuid),
        }
    }
}

impl DesiredNode {
    fn reference(&self) -> NodeRef {
        NodeRef { uuid: self.uuid, name: self.name.clone() }
    }
}
