//! Nodes: the machines that a cluster consists of, including those that are to be removed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jeroboam_types::agent::EngineNodeState;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{NodeGroup, NodePhase, NodeRole, Report, Target};

/// A node without a stored report for this long no longer counts as up, even if no server was there to notice its
/// silence. That is three of the regular reports.
pub const SILENT_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// The nodes as an engine reports them, by name. A missing node is not known to the engine.
pub type EngineView = BTreeMap<String, EngineNodeState>;

/// A node of a cluster. Its row is written together with the operation that creates it, before any machine exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Id; the machine is labelled with it.
    pub uuid: Uuid,
    /// Its cluster.
    pub cluster: Uuid,
    /// Its node group.
    pub node_group: Uuid,
    /// Host name, unique in the cluster, a DNS label.
    pub name: String,
    /// Its role.
    pub role: NodeRole,
    /// A small number, unique in the cluster as long as the node exists. Determines the node's address on networks that
    /// Jeroboam creates.
    pub slot: u32,
    /// False once the node is to be removed.
    pub wanted: bool,
    /// Its target: image, flavor, version and options.
    pub target: Target,
    /// Id of its machine at the infrastructure, once there is one.
    pub machine_id: Option<String>,
    /// Address for the cluster's other nodes, once it is known.
    pub address: Option<IpAddr>,
    /// Last report of its agent.
    pub report: Option<Report>,
    /// When the report was last confirmed: stored at most every ten seconds while nothing changes.
    pub reported_at: Option<Timestamp>,
    /// When the agent was last heard, if it has missed its heartbeats since.
    pub silent_since: Option<Timestamp>,
    /// Whether its agent has used its token.
    pub enrolled: bool,
    /// When its agent first reported that it is up. From then on its disk may hold the only copy of some data.
    pub joined_at: Option<Timestamp>,
    /// Id of the machine that is to be replaced with its disk.
    pub replace_machine: Option<String>,
    /// The cluster's revision at which it was asked to start over; 0 if never.
    pub attempt: u64,
    /// Time of creation.
    pub created_at: Timestamp,
}

/// A node that was found at the infrastructure by the marks of its resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundNode {
    /// Id.
    pub uuid: Uuid,
    /// Host name.
    pub name: String,
    /// Role.
    pub role: NodeRole,
    /// Slot, if it is known.
    pub slot: Option<u32>,
}

impl Node {
    /// The phase that the node's agent reports; `None` when it never reported.
    #[must_use]
    pub fn phase(&self) -> Option<NodePhase> {
        self.report.as_ref().map(|report| report.phase)
    }

    /// The same for a generation of the cluster's authorities: a node that still uses older ones counts as starting,
    /// and so does one whose last report is older than the request to start over. Reports without a generation (from
    /// older agents) are trusted.
    #[must_use]
    pub fn phase_under(&self, authorities: u64) -> Option<NodePhase> {
        let report = self.report.as_ref()?;
        match report.phase {
            _ if report.revision < self.attempt => Some(NodePhase::Starting),
            NodePhase::Up if report.authorities != 0 && report.authorities != authorities => Some(NodePhase::Starting),
            phase => Some(phase),
        }
    }

    /// Whether the agent is silent: it has missed its heartbeats, or, when no server was there to receive them, it has
    /// not been heard for [`SILENT_AFTER`].
    #[must_use]
    pub fn is_silent(&self, now: Timestamp) -> bool {
        self.silent_since.is_some() || self.reported_at.is_none_or(|at| now.duration_since(at) > SILENT_AFTER)
    }

    /// When the agent was last heard, as far as that is stored.
    #[must_use]
    pub fn heard_at(&self) -> Option<Timestamp> {
        self.silent_since.max(self.reported_at)
    }
}

/// The nodes as the engine reports them, from the newest report of a master. `None` when no master that is not silent
/// knows.
#[must_use]
pub fn engine_view(nodes: &[Node], now: Timestamp) -> Option<&EngineView> {
    let heard = nodes.iter().filter(|node| node.role == NodeRole::Master && !node.is_silent(now));
    let views = heard.filter_map(|node| Some((node.reported_at, node.report.as_ref()?.engine_nodes.as_ref()?)));
    views.max_by_key(|(reported_at, _)| *reported_at).map(|(_, view)| view)
}

/// A host name for a node: the cluster's name as a DNS label, the group's role or name, and a number. At most 63
/// characters (RFC 1123 section 2.1).
#[must_use]
pub fn node_name(cluster_name: &str, group: &NodeGroup, number: u32) -> String {
    let group_part = match (group.is_default, group.role) {
        (true, role) => role.to_string(),
        (false, _) => group.name.clone(),
    };
    let tail = format!("-{}-{number}", dns_label(&group_part, 24));
    format!("{}{tail}", dns_label(cluster_name, 63 - tail.len()))
}

/// The nearest DNS label (RFC 1123): lower case, letters, digits and inner hyphens, at most `max` characters.
#[must_use]
pub fn dns_label(text: &str, max: usize) -> String {
    let mut label: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).take(max).collect();
    while label.ends_with('-') {
        label.pop();
    }
    let label = label.trim_start_matches('-').to_owned();
    if label.is_empty() { "node".to_owned() } else { label }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> Node {
        Node {
            uuid: Uuid::nil(),
            cluster: Uuid::nil(),
            node_group: Uuid::nil(),
            name: "c-worker-0".to_owned(),
            role: NodeRole::Worker,
            slot: 0,
            wanted: true,
            target: Target::default(),
            machine_id: None,
            address: None,
            report: None,
            reported_at: None,
            silent_since: None,
            enrolled: true,
            joined_at: None,
            replace_machine: None,
            attempt: 0,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn report() -> Report {
        Report {
            revision: 1,
            authorities: 1,
            phase: NodePhase::Up,
            components: Vec::new(),
            problem: None,
            facts: jeroboam_types::agent::Facts::default(),
            swarm: None,
            engine_nodes: None,
        }
    }

    #[test]
    fn a_node_is_up_with_the_authorities_of_now_only() {
        let mut node = node();
        assert_eq!(node.phase_under(7), None);
        let mut under = |authorities, phase| {
            let facts = jeroboam_types::agent::Facts::default();
            let report = Report { authorities, phase, facts, ..report() };
            node.report = Some(report);
            node.phase_under(7)
        };
        assert_eq!(under(7, NodePhase::Up), Some(NodePhase::Up));
        assert_eq!(under(6, NodePhase::Up), Some(NodePhase::Starting));
        assert_eq!(under(0, NodePhase::Up), Some(NodePhase::Up), "an agent that knows of none");
        assert_eq!(under(6, NodePhase::Failed), Some(NodePhase::Failed));
    }

    #[test]
    fn a_node_is_silent_once_its_silence_was_noticed_or_when_nobody_wrote_of_it_for_long() {
        let at = Timestamp::UNIX_EPOCH;
        let mut node = node();
        assert!(node.is_silent(at), "it was never heard");
        node.reported_at = Some(at);
        assert!(!node.is_silent(at + SILENT_AFTER));
        assert!(node.is_silent(at + SILENT_AFTER + SignedDuration::from_secs(1)));
        node.silent_since = Some(at + SignedDuration::from_secs(4));
        assert!(node.is_silent(at + SignedDuration::from_secs(5)));
        assert_eq!(node.heard_at(), node.silent_since);
    }

    #[test]
    fn a_node_that_gave_up_before_it_was_asked_once_more_is_on_its_way() {
        let report = Report { revision: 4, phase: NodePhase::Failed, ..report() };
        let mut node = Node { report: Some(report), ..node() };
        assert_eq!(node.phase_under(1), Some(NodePhase::Failed));
        node.attempt = 5;
        assert_eq!(node.phase_under(1), Some(NodePhase::Starting));
        node.report.as_mut().unwrap().revision = 5;
        assert_eq!(node.phase_under(1), Some(NodePhase::Failed));
    }

    #[test]
    fn the_engines_view_is_that_of_the_master_that_was_heard_last() {
        let at = Timestamp::UNIX_EPOCH;
        let view =
            |name: &str| Some(BTreeMap::from([(name.to_owned(), EngineNodeState { ready: true, reason: None })]));
        let known = |role, seconds, name| Node {
            role,
            report: Some(Report { engine_nodes: view(name), ..report() }),
            reported_at: Some(at + SignedDuration::from_secs(seconds)),
            ..node()
        };
        let mut nodes = vec![
            known(NodeRole::Master, 1, "older"),
            known(NodeRole::Master, 2, "newer"),
            known(NodeRole::Worker, 3, "of a worker"),
        ];
        assert_eq!(engine_view(&nodes, at).cloned(), view("newer"));
        nodes[1].silent_since = Some(at);
        assert_eq!(engine_view(&nodes, at).cloned(), view("older"));
        nodes[0].report.as_mut().unwrap().engine_nodes = None;
        assert_eq!(engine_view(&nodes, at), None);
    }

    #[test]
    fn a_label_is_lower_case_and_has_no_hyphen_at_its_ends() {
        assert_eq!(dns_label("My_Cluster.1", 63), "my-cluster-1");
        assert_eq!(dns_label("-a-", 63), "a");
        assert_eq!(dns_label("ab-cd", 3), "ab");
        assert_eq!(dns_label("___", 63), "node");
    }
}
