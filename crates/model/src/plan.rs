//! Planning: the missing steps between observed and desired state.
//!
//! [`plan`] has all rules about how clusters are created, changed and deleted. It is pure and looks only at facts: what
//! exists already needs no step, so that planning again after a crash, a failure or another user's change continues
//! from the present state. Steps of one stage run concurrently, stages one after the other:
//!
//! | stage | towards present | towards absent |
//! |---|---|---|
//! | 1 | authorities, network; remedies; remove machines to be replaced | remove machines |
//! | 2 | machines (remove strays) | remove network |
//! | 3 | agents have brought up their nodes | remove authorities |
//! | 4 | engine configured | |
//! | 5 | nodes ready for work | |
//! | 6 | labels and taints on nodes; drain nodes to be removed | |
//! | 7 | remove machines of nodes to be removed | |
//! | 8 | remove these nodes from the engine | |

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

/// The desired state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Whether the cluster should exist.
    pub present: bool,
    /// Its nodes: wanted ones, and those that are to be removed.
    pub nodes: Vec<DesiredNode>,
    /// Whether nodes have labels and taints of their groups, or may have had some.
    pub marked: bool,
    /// Whether remedies are applied to nodes that do not come up, which are left out once none helps.
    pub heal: bool,
    /// Whether the engine is to be configured.
    pub configure: bool,
}

/// A node that is wanted or is to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredNode {
    /// Id.
    pub uuid: Uuid,
    /// Name, for titles and for the engine.
    pub name: String,
    /// Role.
    pub role: NodeRole,
    /// Whether it is wanted.
    pub wanted: bool,
    /// Whether it has been up: from then on its disk may hold the only copy of some data.
    pub joined: bool,
    /// Its node group.
    pub group: Uuid,
}

/// The observed state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// Whether the cluster has its authorities.
    pub secrets: bool,
    /// Whether the cluster has its network.
    pub network: bool,
    /// Machines by node.
    pub machines: BTreeMap<Uuid, MachineState>,
    /// Nodes whose disks exist, with or without a machine.
    pub disks: BTreeSet<Uuid>,
    /// Nodes whose machine and disk are to be replaced and were not yet.
    pub replace: BTreeSet<Uuid>,
    /// Machines that are marked as the cluster's but belong to none of its nodes: ids at the infrastructure.
    pub strays: BTreeSet<String>,
    /// Phases that agents report, as far as they can be trusted (silent agents are absent).
    pub agents: BTreeMap<Uuid, NodePhase>,
    /// Nodes that are ready for the engine to place work on.
    pub ready: BTreeSet<Uuid>,
    /// Nodes that did not come up within the time allowed for it.
    pub hopeless: BTreeSet<Uuid>,
    /// Nodes whose machines the infrastructure refused to start.
    pub unstartable: BTreeSet<Uuid>,
    /// Keys of steps without an observable result that this operation has done already.
    pub done: BTreeSet<String>,
}

/// State of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineState {
    /// Created, not started yet.
    Created,
    /// Running.
    Running,
    /// Its processes are paused. It can be resumed.
    Paused,
    /// Running, but disconnected from its network. It must be recreated, with its disk.
    CutOff,
    /// Stopped. It can be started again, with its disk.
    Stopped,
}

/// A step: an action, and its stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The action.
    pub action: Action,
    /// Steps of one stage run concurrently.
    pub stage: u16,
    /// The reason in one line: what is missing or superfluous.
    pub because: String,
}

/// A reference to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRef {
    /// Id.
    pub uuid: Uuid,
    /// Name.
    pub name: String,
}

/// What a step does. Every action ensures a state and is idempotent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The cluster has its authorities.
    EnsureSecrets,
    /// The cluster has its network.
    EnsureNetwork,
    /// The node has a running machine. A stopped one is started, with its disk.
    EnsureMachine(NodeRef),
    /// All components of the node are restarted.
    RestartComponents(NodeRef),
    /// The node's machine is restarted, with its disk.
    RestartMachine(NodeRef),
    /// The node gets a new machine on its disk.
    RecreateMachine(NodeRef),
    /// The node gets a new machine with a new disk: the engine drops the node, and its machine counts as gone.
    ReplaceMachine(NodeRef),
    /// The node's agent reports that all its components run.
    AwaitAgent(NodeRef),
    /// The engine is configured with what Jeroboam needs in it.
    ConfigureEngine,
    /// The engine reports the node as ready.
    AwaitReady(NodeRef),
    /// The engine's nodes have the labels and taints of their groups.
    MarkNodes,
    /// Workloads that can run elsewhere are moved away from the node.
    Drain(NodeRef),
    /// The node has no machine.
    RemoveMachine(NodeRef),
    /// The node is removed from the engine and the store.
    Forget(NodeRef),
    /// A machine that belongs to no node is removed.
    RemoveStray(String),
    /// The network is removed.
    RemoveNetwork,
    /// The authorities and all other secrets are deleted.
    RemoveSecrets,
}

impl Action {
    /// Unique in an operation and stable across plannings: identifies the step's record.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::EnsureSecrets => "secrets".into(),
            Self::EnsureNetwork => "network".into(),
            Self::EnsureMachine(node) => format!("machine/{}", node.name),
            Self::RestartComponents(node) => format!("restart-components/{}", node.name),
            Self::RestartMachine(node) => format!("restart-machine/{}", node.name),
            Self::RecreateMachine(node) => format!("recreate-machine/{}", node.name),
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

    /// Title for users.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::EnsureSecrets => "Make certificate authorities".into(),
            Self::EnsureNetwork => "Make network".into(),
            Self::EnsureMachine(node) => format!("Start machine {}", node.name),
            Self::RestartComponents(node) => format!("Restart the components of node {}", node.name),
            Self::RestartMachine(node) => format!("Restart machine {}", node.name),
            Self::RecreateMachine(node) => format!("Recreate machine {} on its disk", node.name),
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

    /// Whether it changes nothing, but only waits for the node's agent or the engine.
    #[must_use]
    pub fn is_wait(&self) -> bool {
        matches!(self, Self::AwaitAgent(_) | Self::AwaitReady(_))
    }

    /// The node of the action, if it has one.
    #[must_use]
    pub fn node(&self) -> Option<&NodeRef> {
        match self {
            Self::EnsureMachine(node)
            | Self::RestartComponents(node)
            | Self::RestartMachine(node)
            | Self::RecreateMachine(node)
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

    /// Whether its effect cannot be observed, so that only its record shows that it is done.
    #[must_use]
    pub fn leaves_no_trace(&self) -> bool {
        matches!(self, Self::ConfigureEngine | Self::MarkNodes | Self::Drain(_)) || self.is_remedy()
    }

    /// Whether it is a remedy for a node that does not come up. Each is tried once in an operation.
    #[must_use]
    pub fn is_remedy(&self) -> bool {
        matches!(
            self,
            Self::RestartComponents(_) | Self::RestartMachine(_) | Self::RecreateMachine(_) | Self::ReplaceMachine(_)
        )
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

/// Whether the step with this key [is a remedy](Action::is_remedy).
#[must_use]
pub fn is_remedy_key(key: &str) -> bool {
    ["restart-components/", "restart-machine/", "recreate-machine/", "replace-machine/"]
        .iter()
        .any(|word| key.starts_with(word))
}

/// The masters whose disks with the only copy of the cluster's state are gone: recreated ones would start empty. Empty
/// as long as another master has a copy, or none ever had.
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

/// The unhealthy nodes: their agents do not report that they are up, or the engine does not report them as ready.
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
    // Groups in which a machine is being replaced: one at a time.
    let mut replacing = BTreeSet::new();
    // Masters first, only for readability: the order within a stage has no meaning.
    let mut nodes: Vec<&DesiredNode> = desired.nodes.iter().collect();
    nodes.sort_by_key(|node| node.role == NodeRole::Worker);
    for node in &nodes {
        let is = NodeState::of(node, observed);
        if node.wanted {
            if observed.replace.contains(&node.uuid) {
                step(1, Action::RemoveMachine(node.reference()));
            }
            if !is.running && desired.heal && observed.unstartable.contains(&node.uuid) {
                // The other nodes are brought up without it.
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
                // No remedy is left, or none is possible now: the other nodes do not wait for it.
                continue;
            }
            // Reports from a machine that does not run any more are void.
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
            // Backups pause a machine for a moment. If it stays paused, its agent becomes silent soon.
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
