//! Why a step is missing, in one line: what was seen that is not as it should be.

use super::{Action, Desired, MachineState, NodeRef, Observed, Step};
use crate::NodePhase;

impl Step {
    /// A step that is planned because of what is observed.
    pub(super) fn new(stage: u16, action: Action, desired: &Desired, observed: &Observed) -> Self {
        Self { because: reason(&action, desired, observed), action, stage }
    }
}

fn reason(action: &Action, desired: &Desired, observed: &Observed) -> String {
    match action {
        Action::EnsureSecrets => "certificate authorities are missing".into(),
        Action::EnsureNetwork => "there is no network".into(),
        Action::EnsureMachine(node) => machine(node, desired, observed),
        Action::AwaitAgent(node) => agent(node, observed),
        Action::AwaitReady(node) => format!("the engine does not call {} ready", node.name),
        Action::RestartComponents(node) | Action::RestartMachine(node) | Action::ReplaceMachine(node) => {
            format!("{} was waited for in vain", node.name)
        }
        Action::ConfigureEngine => "each change of a cluster sees to it".into(),
        Action::MarkNodes => "node groups have labels or taints, or had some".into(),
        Action::Drain(node) | Action::Forget(node) => format!("{} is to go", node.name),
        Action::RemoveMachine(node) if observed.replace.contains(&node.uuid) => {
            format!("the machine of {} is to be replaced", node.name)
        }
        Action::RemoveMachine(node) => format!("{} is to go, and has a machine or a disk", node.name),
        Action::RemoveStray(_) => "a machine of the cluster belongs to no node".into(),
        Action::RemoveNetwork => "the network is still there".into(),
        Action::RemoveSecrets => "secrets of the cluster are still there".into(),
    }
}

fn machine(node: &NodeRef, desired: &Desired, observed: &Observed) -> String {
    let name = &node.name;
    match observed.machines.get(&node.uuid).filter(|_| !observed.replace.contains(&node.uuid)) {
        Some(MachineState::Stopped) => format!("machine {name} has stopped"),
        Some(MachineState::Created) => format!("machine {name} was made and not started"),
        Some(MachineState::Paused) => format!("machine {name} is held still"),
        Some(MachineState::CutOff) => format!("machine {name} has been taken off its network"),
        Some(MachineState::Running) => format!("machine {name} runs"),
        None if desired.nodes.iter().any(|wanted| wanted.uuid == node.uuid && wanted.joined) => {
            format!("machine {name} is gone")
        }
        None => format!("there is no machine {name} yet"),
    }
}

fn agent(node: &NodeRef, observed: &Observed) -> String {
    let name = &node.name;
    let runs = observed.machines.get(&node.uuid) == Some(&MachineState::Running);
    match observed.agents.get(&node.uuid) {
        _ if !runs || observed.replace.contains(&node.uuid) => format!("{name} comes up once its machine runs"),
        None => format!("the agent of {name} says nothing, or not under the present authorities"),
        Some(NodePhase::Starting | NodePhase::Up | NodePhase::Failed) => {
            format!("the agent of {name} does not say that it is up")
        }
    }
}
