//! Remedies for a node whose machine runs but which does not come up: from the least to the most disruptive. Each one
//! is tried once in an operation, the next one when the node did not come up in time after it.
//!
//! A master whose agent stays silent gets a new machine on its disk, and with it a new token to enrol with: the agent
//! may have lost its key.
//!
//! Replacing deletes the data on a node's disk. So it is applied to workers only, to one of a group at a time, and not
//! while so many of the group are unhealthy that their machines are hardly the reason. Workers wait for masters: before
//! that, what the engine reports about them is not reliable. If no agent of the cluster is heard while its engine
//! reports ready nodes, the connection to this server is broken, and not the machines.

use uuid::Uuid;

use super::{Action, Desired, DesiredNode, Observed};
use crate::{NodePhase, NodeRole};

/// The share of unhealthy nodes in a group, in percent, above which no machine is replaced; a single unhealthy node
/// does not count.
const MOST_UNWELL: usize = 40;

/// The next remedy for a node whose machine runs, if there is one.
pub(super) fn next(node: &DesiredNode, desired: &Desired, observed: &Observed) -> Option<Action> {
    if !desired.heal || !observed.hopeless.contains(&node.uuid) || is_well(node, observed) {
        return None;
    }
    if node.role == NodeRole::Worker && !masters_are_well(desired, observed) {
        return None;
    }
    if observed.agents.is_empty() && observed.ready.contains(&node.uuid) {
        return None;
    }
    let reference = node.reference();
    // A silent agent cannot restart components.
    let hears = observed.agents.contains_key(&node.uuid);
    let components = hears.then(|| Action::RestartComponents(reference.clone()));
    let machine = Some(Action::RestartMachine(reference.clone()));
    let has_disk = observed.disks.contains(&node.uuid);
    let recreate =
        (node.role == NodeRole::Master && !hears && has_disk).then(|| Action::RecreateMachine(reference.clone()));
    let replace = may_be_replaced(node, desired, observed).then_some(Action::ReplaceMachine(reference));
    let done = |action: &Action| observed.done.contains(&action.key());
    [components, machine, recreate, replace].into_iter().flatten().find(|action| !done(action))
}

fn may_be_replaced(node: &DesiredNode, desired: &Desired, observed: &Observed) -> bool {
    // A node that the engine reports as ready may have workloads.
    let is_idle = !observed.ready.contains(&node.uuid);
    let is_alone = observed.replace.is_empty()
        && !of_group(node.group, desired).any(|other| other.uuid != node.uuid && is_being_replaced(other, observed));
    node.role == NodeRole::Worker && is_idle && is_alone && !too_many_unwell(node.group, desired, observed)
}

/// Whether a replacement was requested, and the node is not healthy with it yet.
fn is_being_replaced(node: &DesiredNode, observed: &Observed) -> bool {
    observed.done.contains(&Action::ReplaceMachine(node.reference()).key()) && !is_well(node, observed)
}

/// Whether so many nodes of a group are unhealthy that none of its machines is replaced.
#[must_use]
pub fn too_many_unwell(group: Uuid, desired: &Desired, observed: &Observed) -> bool {
    let all = of_group(group, desired).count();
    let unwell = of_group(group, desired).filter(|node| !is_well(node, observed)).count();
    unwell > 1 && unwell * 100 > all * MOST_UNWELL
}

fn masters_are_well(desired: &Desired, observed: &Observed) -> bool {
    let mut masters = desired.nodes.iter().filter(|node| node.wanted && node.role == NodeRole::Master);
    masters.all(|master| is_well(master, observed))
}

fn of_group(group: Uuid, desired: &Desired) -> impl Iterator<Item = &DesiredNode> {
    desired.nodes.iter().filter(move |node| node.wanted && node.group == group)
}

/// Whether its agent reports that it is up, and the engine reports it as ready.
pub(super) fn is_well(node: &DesiredNode, observed: &Observed) -> bool {
    observed.agents.get(&node.uuid) == Some(&NodePhase::Up) && observed.ready.contains(&node.uuid)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{MachineState, plan};
    use super::*;

    const GROUP: Uuid = Uuid::from_u128(100);

    fn node(number: u128, role: NodeRole) -> DesiredNode {
        let group = if role == NodeRole::Master { Uuid::nil() } else { GROUP };
        DesiredNode {
            uuid: Uuid::from_u128(number),
            name: format!("n{number}"),
            role,
            wanted: true,
            joined: true,
            group,
        }
    }

    /// A master and some workers, of which those with the numbers `unwell` are not ready and did not come up in time.
    fn cluster(workers: u128, unwell: &[u128]) -> (Desired, Observed) {
        let mut nodes = vec![node(0, NodeRole::Master)];
        nodes.extend((1..=workers).map(|number| node(number, NodeRole::Worker)));
        let all: Vec<Uuid> = nodes.iter().map(|node| node.uuid).collect();
        let unwell: BTreeSet<Uuid> = unwell.iter().map(|number| Uuid::from_u128(*number)).collect();
        let observed = Observed {
            secrets: true,
            network: true,
            machines: all.iter().map(|id| (*id, MachineState::Running)).collect(),
            disks: all.iter().copied().collect(),
            agents: all.iter().map(|id| (*id, NodePhase::Up)).collect(),
            ready: all.iter().copied().filter(|id| !unwell.contains(id)).collect(),
            hopeless: unwell,
            ..Observed::default()
        };
        (Desired { present: true, nodes, marked: false, heal: true, configure: false }, observed)
    }

    fn remedies(desired: &Desired, observed: &Observed) -> Vec<String> {
        plan(desired, observed).iter().filter(|step| step.action.is_remedy()).map(|step| step.action.key()).collect()
    }

    fn done(observed: &mut Observed, keys: &[&str]) {
        observed.done.extend(keys.iter().map(|key| (*key).to_owned()));
    }

    #[test]
    fn what_disturbs_least_comes_first_and_each_once() {
        let (desired, mut observed) = cluster(3, &[1]);
        for key in ["restart-components/n1", "restart-machine/n1", "replace-machine/n1"] {
            assert_eq!(remedies(&desired, &observed), [key]);
            done(&mut observed, &[key]);
        }
        assert_eq!(remedies(&desired, &observed), [""; 0]);
    }

    #[test]
    fn a_node_that_is_still_waited_for_is_left_alone_and_so_is_one_that_is_well() {
        let (desired, mut observed) = cluster(3, &[1]);
        observed.hopeless.clear();
        assert_eq!(remedies(&desired, &observed), [""; 0]);
        let (mut desired, mut observed) = cluster(3, &[1]);
        observed.ready.insert(Uuid::from_u128(1));
        assert_eq!(remedies(&desired, &observed), [""; 0]);
        observed.ready.clear();
        desired.heal = false;
        assert_eq!(remedies(&desired, &observed), [""; 0], "only repairs heal");
    }

    #[test]
    fn an_agent_that_says_nothing_is_not_asked_to_restart_anything() {
        let (desired, mut observed) = cluster(3, &[1]);
        observed.agents.remove(&Uuid::from_u128(1));
        assert_eq!(remedies(&desired, &observed), ["restart-machine/n1"]);
    }

    #[test]
    fn a_master_whose_agent_stays_silent_gets_another_machine_on_its_disk() {
        let (desired, mut observed) = cluster(1, &[0]);
        observed.agents.remove(&Uuid::from_u128(0));
        for key in ["restart-machine/n0", "recreate-machine/n0"] {
            assert_eq!(remedies(&desired, &observed), [key]);
            done(&mut observed, &[key]);
        }
        assert_eq!(remedies(&desired, &observed), [""; 0]);
    }

    #[test]
    fn workers_wait_for_masters() {
        let (desired, observed) = cluster(3, &[0, 1]);
        assert_eq!(remedies(&desired, &observed), ["restart-components/n0"]);
    }

    #[test]
    fn where_nobody_is_heard_and_the_engine_is_content_the_machines_are_left_alone() {
        let (desired, mut observed) = cluster(2, &[]);
        observed.agents.clear();
        observed.hopeless = observed.machines.keys().copied().collect();
        assert_eq!(remedies(&desired, &observed), [""; 0]);
        observed.ready.clear();
        assert_eq!(remedies(&desired, &observed), ["restart-machine/n0"], "the host has stood still, say");
    }

    #[test]
    fn what_the_engine_calls_ready_is_not_replaced() {
        let (desired, mut observed) = cluster(2, &[1]);
        observed.agents.remove(&Uuid::from_u128(1));
        observed.ready.insert(Uuid::from_u128(1));
        done(&mut observed, &["restart-machine/n1"]);
        assert_eq!(remedies(&desired, &observed), [""; 0]);
    }

    #[test]
    fn a_master_is_never_replaced() {
        let (desired, mut observed) = cluster(1, &[0]);
        done(&mut observed, &["restart-components/n0", "restart-machine/n0"]);
        assert_eq!(remedies(&desired, &observed), [""; 0]);
    }

    #[test]
    fn one_worker_of_a_group_is_replaced_at_a_time() {
        let (desired, mut observed) = cluster(8, &[1, 2]);
        let before = ["restart-components/n1", "restart-machine/n1", "restart-components/n2", "restart-machine/n2"];
        done(&mut observed, &before);
        assert_eq!(remedies(&desired, &observed), ["replace-machine/n1"]);
        done(&mut observed, &["replace-machine/n1"]);
        assert_eq!(remedies(&desired, &observed), [""; 0], "the first is not up yet");
        observed.ready.insert(Uuid::from_u128(1));
        assert_eq!(remedies(&desired, &observed), ["replace-machine/n2"]);
    }

    #[test]
    fn no_machine_is_replaced_while_much_of_a_group_is_unwell() {
        let before = |observed: &mut Observed| done(observed, &["restart-components/n1", "restart-machine/n1"]);
        let (desired, mut observed) = cluster(4, &[1, 2]);
        before(&mut observed);
        assert!(!remedies(&desired, &observed).contains(&"replace-machine/n1".to_owned()), "half of it");
        let (desired, mut observed) = cluster(1, &[1]);
        before(&mut observed);
        assert_eq!(remedies(&desired, &observed), ["replace-machine/n1"], "the only one there is");
    }
}
