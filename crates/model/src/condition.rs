//! Findings: what is wrong with a cluster that should run, computed from facts. Healing, health and `why` use the same
//! ones.

use std::collections::{BTreeMap, BTreeSet};

use jeroboam_types::agent::{ComponentState, Problem};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::node::EngineView;
use crate::plan::MachineState;
use crate::status::Request;
use crate::{Cause, CauseExt, Code, Node, NodePhase, NodeRole, Status};

/// Number of log lines in a cause.
const LOG_LINES: usize = 12;
/// Action of a finding that is repaired automatically, and of one where nothing is.
const REPAIRED: &str = "nothing: it is repaired automatically, unless healing is off or the cluster is paused; `jeroboam bay \
                        repair` does it now";
const NOT_REPAIRED: &str = "retry the operation that failed, or delete the cluster";

/// The facts about a cluster.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Its status.
    pub status: Status,
    /// Its nodes.
    pub nodes: &'a [Node],
    /// Whether it has its network.
    pub network: bool,
    /// Its machines by node.
    pub machines: &'a BTreeMap<Uuid, MachineState>,
    /// Nodes whose disks exist.
    pub disks: &'a BTreeSet<Uuid>,
    /// Generation of its authorities.
    pub authorities: u64,
    /// The nodes as the engine reports them; `None` if that is not known.
    pub engine: Option<&'a EngineView>,
    /// Now.
    pub now: Timestamp,
}

impl Facts<'_> {
    /// The action of a finding that a repair fixes.
    fn remedy(&self) -> &'static str {
        if self.status.allows(Request::Repair) { REPAIRED } else { NOT_REPAIRED }
    }
}

/// A deviation from the target state.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The node that it is about; `None`: the whole cluster.
    pub node: Option<String>,
    /// Problem, who must act, and what to do.
    pub cause: Cause,
    /// Since when, if that is known.
    pub since: Option<Timestamp>,
}

impl Finding {
    /// How long it must persist before a repair starts: what is gone does not return, but what is in progress may still
    /// complete.
    #[must_use]
    pub fn grace(&self) -> SignedDuration {
        match self.cause.kind() {
            // Do not interfere while somebody restarts a machine or the whole container engine of the host.
            Some(Code::MachineGone | Code::MachineStopped | Code::MachineCutOff | Code::NetworkGone) => {
                SignedDuration::from_secs(1)
            }
            // The next heartbeat may be on its way.
            Some(Code::AgentSilent | Code::MachinePaused) => SignedDuration::from_secs(3),
            Some(Code::NodeNotJoined) => SignedDuration::from_secs(5),
            // Its agent restarts it first.
            Some(Code::NodeStarting | Code::ComponentUnresponsive) => SignedDuration::from_secs(60),
            _ => SignedDuration::from_secs(20),
        }
    }

    /// Whether a repair can fix it.
    #[must_use]
    pub fn is_repairable(&self) -> bool {
        !matches!(self.cause.kind(), Some(Code::StateLost | Code::ClusterMissing))
    }
}

/// Whether a node should run. A node that is to be removed, or that a failed operation was to create, is left to such
/// operations.
#[must_use]
pub fn is_subject(node: &Node, status: Status) -> bool {
    let has_been = status.is_complete() || node.joined_at.is_some() || node.role == NodeRole::Master;
    node.wanted && has_been
}

/// All findings, those about the cluster as a whole first.
#[must_use]
pub fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let nodes = || facts.nodes.iter().filter(|node| is_subject(node, facts.status));
    let is_there = |node: &Node| facts.machines.contains_key(&node.uuid) || facts.disks.contains(&node.uuid);
    if nodes().next().is_some() && !nodes().any(is_there) && !facts.network {
        return vec![of_cluster(missing())];
    }
    let mut found = Vec::new();
    let mut masters = nodes().filter(|node| node.role == NodeRole::Master).peekable();
    if masters.peek().is_some() && !masters.any(is_there) {
        found.push(of_cluster(state_lost()));
    }
    if !facts.network {
        let message = "its network is missing at the infrastructure";
        found.push(of_cluster(Cause::operator(Code::NetworkGone, message, facts.remedy()).may_pass()));
    }
    found.extend(nodes().filter_map(|node| of_node(node, facts)));
    found
}

fn of_cluster(cause: Cause) -> Finding {
    Finding { node: None, cause, since: None }
}

fn missing() -> Cause {
    let action = "determine who removed its machines and disks, or whether this is the right infrastructure; delete \
                  the cluster if it is not to be restored";
    Cause::operator(Code::ClusterMissing, "it has nothing at the infrastructure: no machine, disk or network", action)
}

fn state_lost() -> Cause {
    let action = "restore the disk; or give up all data of the cluster: `jeroboam bay repair --replace-data` creates \
                  an empty one in its place";
    Cause::operator(
        Code::StateLost,
        "the disks of its masters are gone, and with them the only copy of its state",
        action,
    )
}

/// The finding that the engine's API did not answer the last check, while everything else is fine.
#[must_use]
pub fn api_unreachable(why: &str) -> Finding {
    let action = "look at the master's components (bay topology) and their logs";
    of_cluster(
        Cause::operator(Code::ApiUnreachable, format!("the engine's API does not answer: {why}"), action).may_pass(),
    )
}

/// The root finding about a node, as outer layers fail with the inner ones: components restart when the engine has lost
/// their node.
fn of_node(node: &Node, facts: &Facts<'_>) -> Option<Finding> {
    let heard_at = node.heard_at();
    let (cause, since) = of_machine(node, facts)
        .or_else(|| silent(node, facts))
        .map(|cause| (cause, heard_at))
        .or_else(|| of_agent(node, facts).map(|cause| (cause, None)))?;
    Some(Finding { node: Some(node.name.clone()), cause, since })
}

fn of_machine(node: &Node, facts: &Facts<'_>) -> Option<Cause> {
    let cause = match facts.machines.get(&node.uuid) {
        Some(MachineState::Running) => return None,
        // Backups pause a machine for a moment. If it stays paused, its agent becomes silent soon.
        Some(MachineState::Paused) if !node.is_silent(facts.now) => return None,
        Some(MachineState::Paused) => Cause::operator(Code::MachinePaused, "its machine is paused", facts.remedy()),
        Some(MachineState::CutOff) => {
            let message = "its machine runs, but is disconnected from its network";
            Cause::operator(Code::MachineCutOff, message, facts.remedy())
        }
        Some(MachineState::Stopped | MachineState::Created) => {
            Cause::operator(Code::MachineStopped, "its machine has stopped", facts.remedy())
        }
        None => {
            let has_disk = facts.disks.contains(&node.uuid);
            let disk = if has_disk { "is gone; its disk still exists" } else { "and its disk are gone" };
            Cause::operator(Code::MachineGone, format!("its machine {disk}"), facts.remedy())
        }
    };
    Some(cause.may_pass())
}

fn silent(node: &Node, facts: &Facts<'_>) -> Option<Cause> {
    if !node.is_silent(facts.now) {
        return None;
    }
    let message = match node.heard_at() {
        Some(at) => format!("its machine runs, but its agent has not reported since {at:.0}"),
        None => "its machine runs, but its agent has not connected yet".to_owned(),
    };
    Some(Cause::operator(Code::AgentSilent, message, facts.remedy()).may_pass())
}

/// The cause that its agent or the engine reports.
fn of_agent(node: &Node, facts: &Facts<'_>) -> Option<Cause> {
    let phase = node.phase_under(facts.authorities);
    let view = facts.engine.map(|engine| engine.get(&node.name));
    Some(match (phase, view) {
        (Some(NodePhase::Failed), _) => given_up(node),
        (_, Some(None)) => {
            Cause::operator(Code::NodeNotJoined, "the engine does not know it", facts.remedy()).may_pass()
        }
        (Some(NodePhase::Starting) | None, _) => starting(node, facts.authorities),
        (Some(NodePhase::Up), Some(Some(view))) if !view.ready => {
            let why = view.reason.as_deref().unwrap_or("the engine does not report it as ready");
            Cause::operator(Code::NodeNotReady, why, facts.remedy()).may_pass()
        }
        (Some(NodePhase::Up), _) => return None,
    })
}

/// The health reasons of a cluster (`cluster` and `NODE.reason`) in one line. `None` when there are none.
#[must_use]
pub fn in_a_line(health_reason: &BTreeMap<String, String>) -> Option<String> {
    let api = health_reason.get("api").filter(|api| *api != "ok");
    let api = api.map(|why| format!("the engine's API does not answer: {why}"));
    let of_cluster = health_reason.get("cluster").cloned();
    let of_nodes = health_reason.iter().filter_map(|(key, why)| {
        let node = key.strip_suffix(".reason")?;
        Some(format!("node {node}: {why}"))
    });
    // What is wrong with nodes explains why the API does not answer, as in `why`.
    let mut all = of_cluster.into_iter().chain(of_nodes).peekable();
    if all.peek().is_none() {
        return api;
    }
    let first = all.next()?;
    let more = all.count();
    Some(if more == 0 { first } else { format!("{first} (and {more} more)") })
}

/// The failure that a node's agent reports, with the node's name.
#[must_use]
pub fn failed(node: &Node) -> Cause {
    let cause = given_up(node);
    Cause { message: format!("node {}: {}", node.name, cause.message), ..cause }
}

fn given_up(node: &Node) -> Cause {
    match node.report.as_ref().and_then(|report| report.problem.as_ref()) {
        Some(problem) => of_problem(problem),
        None => Cause::operator(Code::NodeFailed, "failed", "retry the operation"),
    }
}

/// What a node that is coming up is doing, in one line, and who must act if it persists.
#[must_use]
pub fn starting(node: &Node, authorities: u64) -> Cause {
    let report = node.report.as_ref();
    if let Some(problem) = report.and_then(|report| report.problem.as_ref()) {
        let action = "fix the reported problem, then retry the operation";
        return Cause::operator(code(problem), sentence(problem), action).may_pass();
    }
    let components = report.map(|report| report.components.as_slice()).unwrap_or_default();
    let not_up: Vec<&str> = components
        .iter()
        .filter(|component| component.state != ComponentState::Up)
        .map(|component| component.name.as_str())
        .collect();
    let message = match not_up[..] {
        [] if node.phase_under(authorities) != node.phase() => "runs with certificates of the old authorities".into(),
        [] => "its agent is getting its assignment".into(),
        _ => format!("starting {}", not_up.join(", ")),
    };
    let action = "look at the node's components (bay topology) and their logs";
    Cause::operator(Code::NodeStarting, message, action).may_pass()
}

/// The code that an agent reports. An unknown one means only that the node failed.
fn code(problem: &Problem) -> Code {
    problem.code.parse().unwrap_or(Code::NodeFailed)
}

fn of_problem(problem: &Problem) -> Cause {
    let cause = Cause::operator(code(problem), sentence(problem), "fix the reported problem, then retry the operation");
    // The agent logs what it reports: skip the duplicate line.
    let log: Vec<String> = problem.log.iter().filter(|line| !line.contains(&problem.message)).cloned().collect();
    if log.is_empty() { cause } else { cause.said(last_lines(&log)) }
}

fn sentence(problem: &Problem) -> String {
    let component = problem.component.as_ref().map(|component| format!("{component}: ")).unwrap_or_default();
    format!("{component}{}", problem.message)
}

/// The newest lines of a log, as many as fit into a cause.
#[must_use]
pub fn last_lines(log: &[String]) -> String {
    log[log.len().saturating_sub(LOG_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use jeroboam_types::agent::{EngineNodeState, Facts as MachineFacts, Report};

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn node(number: u128, role: NodeRole) -> Node {
        let report = Report {
            revision: 1,
            authorities: 1,
            phase: NodePhase::Up,
            components: Vec::new(),
            problem: None,
            engine_nodes: None,
            facts: MachineFacts::default(),
            swarm: None,
        };
        Node {
            uuid: Uuid::from_u128(number),
            cluster: Uuid::nil(),
            node_group: Uuid::nil(),
            name: format!("n{number}"),
            role,
            slot: 0,
            wanted: true,
            machine_id: None,
            address: None,
            report: Some(report),
            reported_at: Some(NOW),
            silent_since: None,
            enrolled: true,
            joined_at: Some(NOW),
            target: crate::Target::default(),
            replace_machine: None,
            attempt: 0,
            created_at: NOW,
        }
    }

    /// A healthy cluster with a master and two workers.
    struct Cluster {
        nodes: Vec<Node>,
        status: Status,
        network: bool,
        machines: BTreeMap<Uuid, MachineState>,
        disks: BTreeSet<Uuid>,
        engine: EngineView,
    }

    impl Cluster {
        fn new() -> Self {
            let nodes = vec![node(0, NodeRole::Master), node(1, NodeRole::Worker), node(2, NodeRole::Worker)];
            let view = |node: &Node| (node.name.clone(), EngineNodeState { ready: true, reason: None });
            Self {
                status: Status::CreateComplete,
                network: true,
                machines: nodes.iter().map(|node| (node.uuid, MachineState::Running)).collect(),
                disks: nodes.iter().map(|node| node.uuid).collect(),
                engine: nodes.iter().map(view).collect(),
                nodes,
            }
        }

        fn facts(&self) -> Facts<'_> {
            Facts {
                status: self.status,
                nodes: &self.nodes,
                network: self.network,
                machines: &self.machines,
                disks: &self.disks,
                authorities: 1,
                engine: Some(&self.engine),
                now: NOW,
            }
        }

        fn codes(&self) -> Vec<String> {
            let word = |found: Finding| format!("{} {}", found.node.unwrap_or_default(), found.cause.code);
            findings(&self.facts()).into_iter().map(word).collect()
        }

        fn one_with(change: impl FnOnce(&mut Self)) -> Vec<String> {
            let mut cluster = Self::new();
            change(&mut cluster);
            cluster.codes()
        }
    }

    #[test]
    fn nothing_is_wrong_with_a_cluster_that_is_as_it_should_be() {
        assert_eq!(Cluster::new().codes(), [""; 0]);
    }

    #[test]
    fn each_node_is_told_of_once_by_what_is_deepest() {
        let worker = Uuid::from_u128(1);
        let found = Cluster::one_with(|cluster| {
            cluster.machines.insert(worker, MachineState::Stopped);
            cluster.nodes[1].reported_at = None;
            cluster.engine.remove("n1");
        });
        assert_eq!(found, ["n1 machine_stopped"]);
        assert_eq!(
            Cluster::one_with(|cluster| cluster.machines.retain(|node, _| *node != worker)),
            ["n1 machine_gone"]
        );
        let cut_off = Cluster::one_with(|cluster| _ = cluster.machines.insert(worker, MachineState::CutOff));
        assert_eq!(cut_off, ["n1 machine_cut_off"]);
        assert_eq!(Cluster::one_with(|cluster| cluster.nodes[1].reported_at = None), ["n1 agent_silent"]);
        assert_eq!(Cluster::one_with(|cluster| drop(cluster.engine.remove("n1"))), ["n1 node_not_joined"]);
        let not_ready = EngineNodeState { ready: false, reason: Some("no network".into()) };
        assert_eq!(
            Cluster::one_with(|cluster| drop(cluster.engine.insert("n1".into(), not_ready))),
            ["n1 node_not_ready"]
        );
        assert_eq!(Cluster::one_with(|cluster| cluster.network = false), [" network_gone"]);
        let found = Cluster::one_with(|cluster| {
            if let Some(report) = &mut cluster.nodes[1].report {
                report.phase = NodePhase::Starting;
            }
        });
        assert_eq!(found, ["n1 node_starting"]);
    }

    #[test]
    fn the_name_of_a_node_that_has_given_up_is_told_once() {
        let problem = Problem {
            code: "version_unavailable".into(),
            message: "no such version".into(),
            component: Some("kubelet".into()),
            log: Vec::new(),
        };
        let mut cluster = Cluster::new();
        let report = cluster.nodes[1].report.as_mut().unwrap();
        (report.phase, report.problem) = (NodePhase::Failed, Some(problem));
        let found = of_agent(&cluster.nodes[1], &cluster.facts()).unwrap();
        assert_eq!(found.message, "kubelet: no such version");
        assert_eq!(failed(&cluster.nodes[1]).message, "node n1: kubelet: no such version");
    }

    #[test]
    fn a_machine_that_is_paused_counts_once_its_agent_is_silent() {
        let worker = Uuid::from_u128(1);
        let paused = |cluster: &mut Cluster| cluster.machines.extend([(worker, MachineState::Paused)]);
        assert_eq!(Cluster::one_with(paused), [""; 0]);
        let found = Cluster::one_with(|cluster| {
            paused(cluster);
            cluster.nodes[1].reported_at = None;
        });
        assert_eq!(found, ["n1 machine_paused"]);
    }

    #[test]
    fn nodes_that_are_to_go_or_that_a_failed_operation_was_to_bring_are_its_business() {
        let worker = Uuid::from_u128(1);
        let found = Cluster::one_with(|cluster| {
            cluster.status = Status::UpdateFailed;
            cluster.machines.remove(&worker);
            cluster.nodes[1].wanted = false;
            cluster.machines.remove(&Uuid::from_u128(2));
            cluster.nodes[2].joined_at = None;
        });
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_cluster_of_which_nothing_is_left_is_missing_and_one_without_its_masters_disks_has_lost_its_state() {
        let gone = Cluster::one_with(|cluster| {
            cluster.machines.clear();
            cluster.disks.clear();
            cluster.network = false;
        });
        assert_eq!(gone, [" cluster_missing"]);
        let found = Cluster::one_with(|cluster| {
            cluster.machines.remove(&Uuid::nil());
            cluster.disks.remove(&Uuid::nil());
        });
        assert_eq!(found, [" state_lost", "n0 machine_gone"]);
    }
}
