//! All that is going to be done, if every step succeeds and nothing else happens.
//!
//! Later rounds of planning may find more than the first one: the nodes of a cluster whose state is begun anew have to
//! come up once more, say. So the rounds are gone through here, with what each step leaves behind in place of another
//! look. A step that an operation does and that is not in its forecast was made necessary by something from outside.

use std::collections::BTreeSet;

use super::{Action, Desired, DesiredNode, MachineState, NodeRef, Observed, Step, plan};
use crate::{NodePhase, NodeRole};

/// Rounds of planning at most: each does a stage, and after the last of them few begin once more.
const MOST_ROUNDS: usize = 64;

/// The steps from `observed` to `desired` that [`plan`] comes to, round by round, by their stages. Each is there once.
#[must_use]
pub fn forecast(desired: &Desired, observed: &Observed) -> Vec<Step> {
    let (mut desired, mut observed) = (desired.clone(), observed.clone());
    play(&mut desired, &mut observed)
}

/// Plays all of it: afterwards things stand as they will then.
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

/// What is after an action has been done.
fn succeed(action: &Action, desired: &mut Desired, observed: &mut Observed) {
    match action {
        Action::EnsureSecrets => observed.secrets = true,
        Action::EnsureNetwork => observed.network = true,
        Action::EnsureMachine(node) => start(node, desired, observed),
        Action::RestartComponents(node) | Action::RestartMachine(node) => begin_again(node, desired, observed),
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
        // The cluster's state begins anew, and all nodes with it.
        row.joined = false;
        observed.agents.clear();
        observed.ready.clear();
    }
}

/// What agent and engine said of the node counts no more, and it is waited for once more.
fn begin_again(node: &NodeRef, desired: &Desired, observed: &mut Observed) {
    observed.agents.remove(&node.uuid);
    observed.ready.remove(&node.uuid);
    observed.hopeless.remove(&node.uuid);
    let answers =
        |row: &DesiredNode| row.role == NodeRole::Master && observed.agents.get(&row.uuid) == Some(&NodePhase::Up);
    if !desired.nodes.iter().any(answers) {
        // The engine says nothing of any node before a master is up.
        observed.ready.clear();
    }
}

#[cfg(test)]
mod tests;
