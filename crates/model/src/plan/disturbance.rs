//! How steps disturb what runs in a cluster.

use jeroboam_types::plan::{Disturbance, DisturbanceKind};

use super::{Action, Desired, DesiredNode, MachineState, NodeRef, Observed, lost_state};
use crate::{NodePhase, NodeRole, OperationKind};

/// What a step of an operation of this kind disturbs, in the state before the operation.
#[must_use]
pub fn disturbances(action: &Action, kind: OperationKind, desired: &Desired, observed: &Observed) -> Vec<Disturbance> {
    let one = |kind, message| vec![disturbance(kind, message)];
    match action {
        Action::EnsureMachine(node) if lost_state(desired, observed).contains(node) => one(
            DisturbanceKind::DataLost,
            format!("the only copy of the cluster's state, on the disk of {}, is lost: it starts empty", node.name),
        ),
        Action::AwaitAgent(node) => coming_up(node, kind, desired, observed),
        Action::RestartComponents(node) => restart(node, kind, desired),
        Action::RestartMachine(node) | Action::RecreateMachine(node) => {
            let workloads = format!("workloads on {} restart", node.name);
            let mut all = one(DisturbanceKind::WorkloadsRestart, workloads);
            all.extend(api_away(node, kind, desired));
            all
        }
        Action::ReplaceMachine(node) => vec![moves(node), disk_given_up(node)],
        Action::MarkNodes if kind == OperationKind::Update && desired.nodes.iter().all(|node| node.joined) => one(
            DisturbanceKind::WorkloadsMove,
            "workloads that do not tolerate one of the new taints leave their nodes".into(),
        ),
        Action::Drain(node) => vec![moves(node)],
        Action::RemoveMachine(node) if kind == OperationKind::Delete => {
            one(DisturbanceKind::WorkloadsEnd, format!("all workloads on {} end, and its disk is deleted", node.name))
        }
        Action::RemoveMachine(node) => vec![disk_given_up(node)],
        Action::RemoveStray(_) => one(DisturbanceKind::WorkloadsEnd, "all workloads on that machine end".into()),
        Action::RemoveSecrets => one(
            DisturbanceKind::CredentialsVoid,
            "all certificates of the cluster become invalid, including those of users".into(),
        ),
        Action::EnsureSecrets
        | Action::EnsureNetwork
        | Action::EnsureMachine(_)
        | Action::AwaitReady(_)
        | Action::ConfigureEngine
        | Action::MarkNodes
        | Action::Forget(_)
        | Action::RemoveNetwork => Vec::new(),
    }
}

/// What requesting an operation of this kind disturbs, before any step.
#[must_use]
pub fn disturbances_at_once(kind: OperationKind) -> Vec<Disturbance> {
    if kind != OperationKind::RotateCa {
        return Vec::new();
    }
    let message = "all certificates of the present authorities become invalid, including those of users: get new \
                   ones with `jeroboam bay config`";
    vec![disturbance(DisturbanceKind::CredentialsVoid, message.into())]
}

/// A node whose machine runs, but whose agent is waited for, has its components restarted if it was up or is to get new
/// certificates.
fn coming_up(node: &NodeRef, kind: OperationKind, desired: &Desired, observed: &Observed) -> Vec<Disturbance> {
    let is_running = observed.machines.get(&node.uuid) == Some(&MachineState::Running);
    let runs = is_running && !observed.replace.contains(&node.uuid);
    let begins_again = kind == OperationKind::RotateCa || observed.agents.get(&node.uuid) == Some(&NodePhase::Up);
    let is_lost = lost_state(desired, observed).contains(node);
    if runs && begins_again && !is_lost { restart(node, kind, desired) } else { Vec::new() }
}

fn restart(node: &NodeRef, kind: OperationKind, desired: &Desired) -> Vec<Disturbance> {
    let message = format!("the components of {} restart; workloads on it continue", node.name);
    let mut all = vec![disturbance(DisturbanceKind::ComponentsRestart, message)];
    all.extend(api_away(node, kind, desired));
    all
}

/// Masters serve the API. New certificates are applied to all of them at the same time.
fn api_away(node: &NodeRef, kind: OperationKind, desired: &Desired) -> Option<Disturbance> {
    let is_master = |other: &&DesiredNode| other.wanted && other.role == NodeRole::Master;
    let mut masters = desired.nodes.iter().filter(is_master);
    let is_of_them = masters.clone().any(|master| master.uuid == node.uuid);
    let no_other = kind == OperationKind::RotateCa || masters.all(|master| master.uuid == node.uuid);
    let message = "the cluster's API is unavailable for some seconds";
    (is_of_them && no_other).then(|| disturbance(DisturbanceKind::ApiAway, message.into()))
}

fn moves(node: &NodeRef) -> Disturbance {
    let message = format!("workloads on {} move to other nodes, or end where no other takes them", node.name);
    disturbance(DisturbanceKind::WorkloadsMove, message)
}

fn disk_given_up(node: &NodeRef) -> Disturbance {
    disturbance(DisturbanceKind::DataLost, format!("data that only the disk of {} has is lost", node.name))
}

fn disturbance(kind: DisturbanceKind, message: String) -> Disturbance {
    Disturbance { kind, message }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::tests::{cluster, complete};
    use super::super::{forecast, plan};
    use super::*;

    fn told(kind: OperationKind, desired: &Desired, observed: &Observed) -> Vec<(String, Vec<DisturbanceKind>)> {
        let of = |action: &Action| disturbances(action, kind, desired, observed);
        let kinds = |action: &Action| of(action).into_iter().map(|disturbance| disturbance.kind).collect();
        forecast(desired, observed).iter().map(|step| (step.action.key(), kinds(&step.action))).collect()
    }

    fn loud(kind: OperationKind, desired: &Desired, observed: &Observed) -> Vec<(String, Vec<DisturbanceKind>)> {
        told(kind, desired, observed).into_iter().filter(|(_, kinds)| !kinds.is_empty()).collect()
    }

    #[test]
    fn a_new_cluster_disturbs_nothing() {
        let steps = told(OperationKind::Create, &cluster(), &Observed::default());
        assert_eq!(steps.len(), plan(&cluster(), &Observed::default()).len());
        assert!(steps.iter().all(|(_, kinds)| kinds.is_empty()), "{steps:?}");
    }

    #[test]
    fn what_goes_moves_its_work_and_loses_its_disk() {
        let mut desired = cluster();
        desired.nodes[2].wanted = false;
        let observed = complete(&cluster());
        let expected = [
            ("drain/c-worker-1".to_owned(), vec![DisturbanceKind::WorkloadsMove]),
            ("remove-machine/c-worker-1".to_owned(), vec![DisturbanceKind::DataLost]),
        ];
        assert_eq!(loud(OperationKind::Scale, &desired, &observed), expected);
        let deleted = Desired { present: false, ..cluster() };
        let ends = loud(OperationKind::Delete, &deleted, &observed);
        assert_eq!(ends.iter().filter(|(_, kinds)| kinds == &[DisturbanceKind::WorkloadsEnd]).count(), 3);
        assert_eq!(ends.last().unwrap(), &("remove-secrets".to_owned(), vec![DisturbanceKind::CredentialsVoid]));
    }

    #[test]
    fn new_authorities_restart_components_and_the_only_master_takes_the_api_away() {
        let desired = cluster();
        let observed = Observed { agents: Default::default(), ready: Default::default(), ..complete(&desired) };
        let loud = loud(OperationKind::RotateCa, &desired, &observed);
        let restart = DisturbanceKind::ComponentsRestart;
        assert!(loud.contains(&("node/c-master-0".to_owned(), vec![restart, DisturbanceKind::ApiAway])), "{loud:?}");
        assert!(loud.contains(&("node/c-worker-0".to_owned(), vec![restart])), "{loud:?}");
        assert_eq!(disturbances_at_once(OperationKind::RotateCa)[0].kind, DisturbanceKind::CredentialsVoid);
        assert_eq!(disturbances_at_once(OperationKind::Scale), []);
    }

    #[test]
    fn starting_a_machine_that_stopped_disturbs_nothing() {
        let desired = cluster();
        let mut observed = complete(&desired);
        observed.machines.insert(Uuid::from_u128(2), MachineState::Stopped);
        let steps = told(OperationKind::Repair, &desired, &observed);
        assert!(steps.iter().any(|(key, _)| key == "node/c-worker-0"), "{steps:?}");
        assert_eq!(loud(OperationKind::Repair, &desired, &observed), []);
    }

    #[test]
    fn giving_up_the_only_copy_of_the_state_is_said() {
        let mut desired = cluster();
        let mut observed = complete(&desired);
        let master = Uuid::from_u128(1);
        desired.nodes[1].joined = true;
        observed.machines.remove(&master);
        observed.disks.remove(&master);
        let loud = loud(OperationKind::Repair, &desired, &observed);
        let expected = [
            ("machine/c-master-0".to_owned(), vec![DisturbanceKind::DataLost]),
            ("node/c-worker-0".to_owned(), vec![DisturbanceKind::ComponentsRestart]),
            ("node/c-worker-1".to_owned(), vec![DisturbanceKind::ComponentsRestart]),
        ];
        assert_eq!(loud, expected);
    }
}
