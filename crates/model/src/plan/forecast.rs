//! All steps of an operation, if every step succeeds and nothing else happens.
//!
//! Later plannings may find more steps than the first one: for example, when the state of a cluster is recreated, its
//! nodes have to come up again. So all plannings are simulated here, with the expected results of the steps instead of
//! an observation. A step that an operation carries out and that is not in its forecast was caused by something
//! external.

use std::collections::BTreeSet;

use super::{Action, Desired, DesiredNode, MachineState, NodeRef, Observed, Step, plan};
use crate::{NodePhase, NodeRole};

/// Most simulated plannings: each does one stage, and few restart after the last stage.
const MOST_ROUNDS: usize = 64;

/// The steps that [`plan`] produces from `observed` to `desired`, planning by planning, by stage. Each appears once.
#[must_use]
pub fn forecast(desired: &Desired, observed: &Observed) -> Vec<Step> {
    let (mut desired, mut observed) = (desired.clone(), observed.clone());
    play(&mut desired, &mut observed)
}

/// Simulates all of it: afterwards `desired` and `observed` have the expected final state.
fn play(desired: &mut Desired, observed: &mut Observed) -> Vec<Step> {
    let mut known = BTreeSet::new();
    let mut all = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let steps = plan(desired, observed);
        let Some(stage) = steps.first().map(|step| step.stage) else { break };
        for step in steps {
            if step.stage == stage {
                succeed(&step.action, desired, observed);
            }
            if known.insert(step.action.key()) {
                all.push(step);
            }
        }
    }
    all.sort_by_key(|step| step.stage);
    all
}

/// The expected state after an action.
fn succeed(action: &Action, desired: &mut Desired, observed: &mut Observed) {
    match action {
        Action::EnsureSecrets => observed.secrets = true,
        Action::EnsureNetwork => observed.network = true,
        Action::EnsureMachine(node) => start(node, desired, observed),
        Action::RestartComponents(node) | Action::RestartMachine(node) => begin_again(node, desired, observed),
        Action::RecreateMachine(node) => {
            begin_again(node, desired, observed);
            observed.machines.remove(&node.uuid);
        }
        Action::ReplaceMachine(node) => {
            begin_again(node, desired, observed);
            observed.replace.insert(node.uuid);
        }
        Action::AwaitAgent(node) => {
            observed.agents.insert(node.uuid, NodePhase::Up);
        }
        Action::AwaitReady(node) => {
            observed.ready.insert(node.uuid);
        }
        Action::RemoveMachine(node) => {
            begin_again(node, desired, observed);
            observed.machines.remove(&node.uuid);
            observed.disks.remove(&node.uuid);
            observed.replace.remove(&node.uuid);
        }
        Action::Forget(node) => desired.nodes.retain(|other| other.uuid != node.uuid),
        Action::RemoveStray(machine) => {
            observed.strays.remove(machine);
        }
        Action::RemoveNetwork => observed.network = false,
        Action::RemoveSecrets => observed.secrets = false,
        Action::ConfigureEngine | Action::MarkNodes | Action::Drain(_) => {}
    }
    if action.leaves_no_trace() {
        observed.done.insert(action.key());
    }
}

fn start(node: &NodeRef, desired: &mut Desired, observed: &mut Observed) {
    observed.machines.insert(node.uuid, MachineState::Running);
    begin_again(node, desired, observed);
    let has_disk = !observed.disks.insert(node.uuid);
    let Some(row) = desired.nodes.iter_mut().find(|row| row.uuid == node.uuid) else { return };
    if row.role == NodeRole::Master && row.joined && !has_disk {
        // The cluster's state is recreated, and all nodes start over.
        row.joined = false;
        observed.agents.clear();
        observed.ready.clear();
    }
}

/// The reports of agent and engine about the node are void, and it is waited for again.
fn begin_again(node: &NodeRef, desired: &Desired, observed: &mut Observed) {
    observed.agents.remove(&node.uuid);
    observed.ready.remove(&node.uuid);
    observed.hopeless.remove(&node.uuid);
    let answers =
        |row: &DesiredNode| row.role == NodeRole::Master && observed.agents.get(&row.uuid) == Some(&NodePhase::Up);
    if !desired.nodes.iter().any(answers) {
        // The engine reports no nodes before a master is up.
        observed.ready.clear();
    }
}

#[cfg(test)]
mod tests;
