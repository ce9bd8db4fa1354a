//! Node groups: nodes of one role, flavor and image.

use std::collections::BTreeMap;

use jeroboam_types::agent::Taint;
use jiff::Timestamp;
use uuid::Uuid;

use crate::validate::Limits;
use crate::{Cluster, ClusterTemplate, FieldError, Labels, NodeRole, Status};

/// Name of the default group of masters of every cluster.
pub const DEFAULT_MASTER: &str = "default-master";
/// Name of the default group of workers of every cluster.
pub const DEFAULT_WORKER: &str = "default-worker";

/// Effects of Kubernetes taints.
pub const TAINT_EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Most Kubernetes labels of a node group, and most taints; the same as for its other labels. Every node has all of
/// them, and the scheduler compares each taint with every pod.
pub const MAX_MARKS: usize = crate::labels::MAX_LABELS;

/// Suffixes of label prefixes that are reserved for Kubernetes.
const RESERVED: [&str; 2] = ["kubernetes.io", "k8s.io"];
/// Reserved prefixes that users may use.
const OPEN_PREFIXES: [&str; 2] = ["kubelet.kubernetes.io", "node.kubernetes.io"];
/// Reserved labels that users may set (contract magnum-v1 section 6.9; the list of Kubernetes' `NodeRestriction`).
const OPEN_LABELS: [&str; 12] = [
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "node.kubernetes.io/windows-build",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

/// A node group. Fields as in contract magnum-v1 section 2.4.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodeGroup {
    /// Number in the database, shown by the API; 0 before it is stored.
    pub id: i64,
    /// Id.
    pub uuid: Uuid,
    /// Its cluster.
    pub cluster: Uuid,
    /// Project that it belongs to.
    pub project_id: String,
    /// Name, unique in its cluster.
    pub name: String,
    /// The role of its nodes.
    pub role: NodeRole,
    /// The role as the client named it. All but `master` are workers; autoscalers select groups by it.
    pub role_name: String,
    /// Created with the cluster, and only deleted with it.
    pub is_default: bool,
    /// Number of wanted nodes.
    pub node_count: u32,
    /// Lower bound.
    pub min_node_count: u32,
    /// Upper bound; `None` or 0: no bound.
    pub max_node_count: Option<u32>,
    /// Flavor.
    pub flavor_id: Option<String>,
    /// Image.
    pub image_id: String,
    /// Volume for containers, in GB per node.
    pub docker_volume_size: Option<u32>,
    /// Labels.
    pub labels: Labels,
    /// Kubernetes labels of its nodes.
    pub node_labels: BTreeMap<String, String>,
    /// Kubernetes taints of its nodes.
    pub node_taints: Vec<Taint>,
    /// Status.
    pub status: Status,
    /// Reason of the status.
    pub status_reason: Option<String>,
    /// Engine version of the group.
    pub version: Option<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
}

impl NodeGroup {
    /// The default group of masters or workers (contract magnum-v1 section 2.4).
    #[must_use]
    pub fn default_of(cluster: &Cluster, template: &ClusterTemplate, role: NodeRole, node_count: u32) -> Self {
        let (name, flavor_id, min_node_count) = match role {
            NodeRole::Master => (DEFAULT_MASTER, &cluster.master_flavor_id, None),
            NodeRole::Worker => (DEFAULT_WORKER, &cluster.flavor_id, cluster.labels.get("min_node_count")),
        };
        Self {
            role,
            role_name: role.to_string(),
            is_default: true,
            node_count,
            min_node_count: min_node_count.and_then(|min| min.parse().ok()).unwrap_or(0),
            flavor_id: flavor_id.clone(),
            docker_volume_size: cluster.docker_volume_size,
            status: cluster.status,
            created_at: cluster.created_at,
            ..Self::of(cluster, template, name, cluster.created_at)
        }
    }

    /// A new group of workers with the values that it takes from its cluster by default (contract magnum-v1 section
    /// 2.4).
    #[must_use]
    pub fn of(cluster: &Cluster, template: &ClusterTemplate, name: &str, now: Timestamp) -> Self {
        Self {
            id: 0,
            uuid: Uuid::new_v4(),
            cluster: cluster.uuid,
            project_id: cluster.project_id.clone(),
            name: name.to_owned(),
            role: NodeRole::Worker,
            role_name: NodeRole::Worker.to_string(),
            is_default: false,
            node_count: 1,
            min_node_count: 0,
            max_node_count: None,
            flavor_id: cluster.flavor_id.clone(),
            image_id: template.image_id.clone(),
            docker_volume_size: None,
            labels: cluster.labels.clone(),
            node_labels: BTreeMap::new(),
            node_taints: Vec::new(),
            status: Status::CreateInProgress,
            status_reason: None,
            version: None,
            created_at: now,
            updated_at: None,
        }
    }

    /// The upper bound, `None` if there is none.
    #[must_use]
    pub fn upper_bound(&self) -> Option<u32> {
        self.max_node_count.filter(|max| *max > 0)
    }

    /// Checks that a number of nodes is within the group's bounds (contract magnum-v1 section 6.8).
    ///
    /// # Errors
    /// Names the violated bound, or says that the bounds contradict each other.
    pub fn check_bounds(&self, node_count: u32) -> Result<(), FieldError> {
        let (name, min) = (&self.name, self.min_node_count);
        let Some(max) = self.upper_bound() else {
            return if node_count >= min { Ok(()) } else { Err(too_few(name, min, node_count)) };
        };
        if min > max {
            let message = format!("must be 0 (no bound) or at least min_node_count ({min}), this is {max}");
            return Err(FieldError::new("max_node_count", message));
        }
        if node_count < min {
            return Err(too_few(name, min, node_count));
        }
        if node_count > max {
            let message = format!("the node group {name} has at most {max} nodes, this is {node_count}");
            return Err(FieldError::new("node_count", message));
        }
        Ok(())
    }

    /// Checks that it can have that many nodes besides the other groups of its cluster, which are among `all`. Masters
    /// do not count: they have a separate limit.
    ///
    /// # Errors
    /// Names the limit and the number of nodes in the other groups.
    pub fn check_total(&self, all: &[Self], node_count: u32, limits: Limits) -> Result<(), FieldError> {
        let is_other = |other: &&Self| other.uuid != self.uuid && other.role != NodeRole::Master;
        let others = all.iter().filter(is_other).fold(0, |sum: u32, other| sum.saturating_add(other.node_count));
        let limit = limits.nodes;
        if others.saturating_add(node_count) <= limit {
            return Ok(());
        }
        let message =
            format!("the cluster may have {limit} nodes; its other groups have {others}, this is {node_count}");
        Err(FieldError::new("node_count", message))
    }

    /// Checks the Kubernetes labels and taints of its nodes (contract magnum-v1 section 6.9).
    ///
    /// # Errors
    /// Names the label or taint and the problem.
    pub fn check_marks(&self) -> Result<(), FieldError> {
        let marked = match (self.node_labels.is_empty(), self.node_taints.is_empty()) {
            (false, _) => Some("node_labels"),
            (true, false) => Some("node_taints"),
            (true, true) => None,
        };
        if let (NodeRole::Master, Some(field)) = (self.role, marked) {
            return Err(FieldError::new(field, "cannot be set for masters; use a node group of workers"));
        }
        for (key, value) in &self.node_labels {
            check_label(key, value)?;
        }
        self.node_taints.iter().try_for_each(check_taint)
    }
}

fn too_few(name: &str, min: u32, node_count: u32) -> FieldError {
    let message = format!("the node group {name} has at least {min} nodes, this is {node_count}");
    FieldError::new("node_count", message)
}

fn check_label(key: &str, value: &str) -> Result<(), FieldError> {
    let field = format!("node_labels.{key}");
    check_key(&field, key)?;
    if !is_name(value) && !value.is_empty() {
        return Err(FieldError::new(field, format!("'{value}' is not a valid Kubernetes label value. {NAME_RULE}")));
    }
    let Some((prefix, _)) = key.split_once('/') else { return Ok(()) };
    let is_below = |suffix: &str| prefix == suffix || prefix.ends_with(&format!(".{suffix}"));
    let is_reserved = RESERVED.iter().any(|suffix| is_below(suffix));
    if is_reserved && !OPEN_PREFIXES.contains(&prefix) && !OPEN_LABELS.contains(&key) {
        let open = OPEN_PREFIXES.join("/ and ");
        return Err(FieldError::new(field, format!("belongs to Kubernetes. Use a prefix of your own, or {open}/")));
    }
    Ok(())
}

fn check_taint(taint: &Taint) -> Result<(), FieldError> {
    let field = "node_taints";
    if taint.key.is_empty() {
        return Err(FieldError::new(field, "every taint needs a key"));
    }
    check_key(field, &taint.key)?;
    if !is_name(&taint.value) && !taint.value.is_empty() {
        let message = format!("'{}' is not a valid Kubernetes taint value. {NAME_RULE}", taint.value);
        return Err(FieldError::new(field, message));
    }
    if !TAINT_EFFECTS.contains(&taint.effect.as_str()) {
        let known = TAINT_EFFECTS.join(", ");
        return Err(FieldError::new(field, format!("an effect must be one of {known}, this is '{}'", taint.effect)));
    }
    Ok(())
}

/// The rule of [`is_name`] for messages.
const NAME_RULE: &str = "Use at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends";

/// A Kubernetes key: `NAME` or `PREFIX/NAME`. Kubelets with others do not start.
fn check_key(field: &str, key: &str) -> Result<(), FieldError> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let is_prefix = |prefix: &str| {
        prefix.len() <= 253
            && prefix.split('.').all(|part| is_name(part) && part.bytes().all(|b| b != b'_' && !b.is_ascii_uppercase()))
    };
    if is_name(name) && prefix.is_none_or(is_prefix) {
        return Ok(());
    }
    Err(FieldError::new(field, format!("'{key}' is not a valid Kubernetes key. {NAME_RULE}, after 'DOMAIN/' at most")))
}

fn is_name(text: &str) -> bool {
    let (first, last) = (text.bytes().next(), text.bytes().last());
    text.len() <= 63
        && [first, last].into_iter().all(|end| end.is_some_and(|b| b.is_ascii_alphanumeric()))
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EngineKind;

    fn group(min: u32, max: Option<u32>) -> NodeGroup {
        let template = ClusterTemplate::new(EngineKind::KUBERNETES, "i", "p", "u", Timestamp::UNIX_EPOCH);
        let cluster = Cluster::of(&template, "c", "p", "u", Timestamp::UNIX_EPOCH);
        NodeGroup {
            min_node_count: min,
            max_node_count: max,
            ..NodeGroup::of(&cluster, &template, "g", Timestamp::UNIX_EPOCH)
        }
    }

    #[test]
    fn bounds_hold_and_a_maximum_of_zero_is_none() {
        for (min, max, good, bad) in [
            (0, None, vec![0, 200], vec![]),
            (2, None, vec![2, 3], vec![0, 1]),
            (1, Some(3), vec![1, 3], vec![0, 4]),
            (1, Some(0), vec![1, 200], vec![0]),
            (3, Some(2), vec![], vec![1, 2, 3]),
        ] {
            let group = group(min, max);
            assert!(good.iter().all(|count| group.check_bounds(*count).is_ok()), "{min} {max:?}");
            assert!(bad.iter().all(|count| group.check_bounds(*count).is_err()), "{min} {max:?}");
        }
    }

    #[test]
    fn labels_of_kubernetes_are_left_to_it() {
        let check = |key: &str| check_label(key, "x");
        for good in ["a", "example.org/a", "node.kubernetes.io/foo", "topology.kubernetes.io/zone", "mykubernetes.io/a"]
        {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["kubernetes.io/foo", "a.kubernetes.io/b", "k8s.io/a", "", "a b", "-a", "a/b/c", "A.b/c", "/a"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check_label("a", "").is_ok() && check_label("a", "b c").is_err());
    }

    #[test]
    fn taints_need_a_key_and_a_known_effect() {
        let taint = |key: &str, effect: &str| Taint { key: key.into(), value: String::new(), effect: effect.into() };
        for effect in TAINT_EFFECTS {
            assert!(check_taint(&taint("gpu", effect)).is_ok());
        }
        for bad in [taint("", "NoSchedule"), taint("gpu", "Never"), taint("g p u", "NoSchedule")] {
            assert!(check_taint(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn masters_have_no_marks_of_their_own() {
        let mut group = NodeGroup { role: NodeRole::Master, ..group(0, None) };
        assert!(group.check_marks().is_ok());
        group.node_labels.insert("a".into(), "b".into());
        assert_eq!(group.check_marks().unwrap_err().field, "node_labels");
    }
}
