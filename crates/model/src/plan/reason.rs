//! Why a step is needed, in one line: the observed deviation.

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
        Action::AwaitReady(node) => format!("the engine does not report {} as ready", node.name),
        Action::RestartComponents(node)
        | Action::RestartMachine(node)
        | Action::RecreateMachine(node)
        | Action::ReplaceMachine(node) => {
            format!("{} did not come up in time", node.name)
        }
        Action::ConfigureEngine => "every change of a cluster does this".into(),
        Action::MarkNodes => "node groups have labels or taints, or had some".into(),
        Action::Drain(node) | Action::Forget(node) => format!("{} is to be removed", node.name),
        Action::RemoveMachine(node) if observed.replace.contains(&node.uuid) => {
            format!("the machine of {} is to be replaced", node.name)
        }
        Action::RemoveMachine(node) => format!("{} is to be removed, and has a machine or a disk", node.name),
        Action::RemoveStray(_) => "a machine of the cluster belongs to no node".into(),
        Action::RemoveNetwork => "the network still exists".into(),
        Action::RemoveSecrets => "secrets of the cluster still exist".into(),
    }
}

fn machine(node: &NodeRef, desired: &Desired, observed: &Observed) -> String {
    let name = &node.name;
    match observed.machines.get(&node.uuid).filter(|_| !observed.replace.contains(&node.uuid)) {
        Some(MachineState::Stopped) => format!("machine {name} has stopped"),
        Some(MachineState::Created) => format!("machine {name} was created but not started"),
        Some(MachineState::Paused) => format!("machine {name} is paused"),
        Some(MachineState::CutOff) => format!("machine {name} is disconnected from its network"),
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
        None => format!("the agent of {name} does not report, or not with the present authorities"),
        Some(NodePhase::Starting | NodePhase::Up | NodePhase::Failed) => {
            format!("the agent of {name} does not report that it is up")
        }
    }
}
