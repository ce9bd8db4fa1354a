//! Reading and validating the attributes of a node group (contract magnum-v1 sections 2.4 and 6.8 to 6.9).

use std::collections::BTreeMap;

use http::StatusCode;
use jeroboam_model::node_group::MAX_MARKS;
use jeroboam_model::validate::{self, Limits};
use jeroboam_model::{Cluster, ClusterTemplate, Labels, NodeGroup, NodeRole, labels};
use jeroboam_types::agent::Taint;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::http::{ApiError, Fields, Result};

/// Attributes that clients may not set.
const READ_ONLY: [&str; 6] = ["links", "project_id", "node_addresses", "stack_id", "created_at", "updated_at"];

/// Attributes that are accepted without effect. Upstream stores some of them, which makes groups that cannot be deleted
/// (Appendix A19).
const IGNORED: [&str; 9] = [
    "id",
    "uuid",
    "cluster_id",
    "is_default",
    "status",
    "status_reason",
    "labels_overridden",
    "labels_added",
    "labels_skipped",
];

/// Longest version of a group.
const MAX_VERSION: usize = 20;

/// The requested group, as far as it can be validated without the cluster.
#[derive(Debug)]
pub(super) struct Draft {
    name: String,
    role: Option<String>,
    node_count: u32,
    min_node_count: u32,
    max_node_count: Option<u32>,
    flavor_id: Option<String>,
    image_id: Option<String>,
    docker_volume_size: Option<u32>,
    labels: Option<Labels>,
    merge_labels: bool,
    version: Option<String>,
    marks: Marks,
}

/// Kubernetes labels and taints of a group's nodes.
#[derive(Debug)]
pub(super) struct Marks {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) taints: Vec<Taint>,
}

impl Draft {
    /// Reads all attributes.
    pub(super) fn read(mut fields: Fields, limits: Limits) -> Result<Self> {
        fields.refuse(&READ_ONLY)?;
        fields.ignore(&IGNORED);
        let draft = Self {
            name: fields.required_text("name")?,
            role: fields.text("role")?,
            // Zero is allowed in every microversion that has groups, unlike for clusters.
            node_count: match fields.integer("node_count")? {
                None => 1,
                Some(count) => validate::count("node_count", count, 0, limits.nodes)?,
            },
            min_node_count: fields.at_least("min_node_count", 0)?.unwrap_or(0),
            max_node_count: fields.at_least("max_node_count", 0)?,
            flavor_id: fields.text("flavor_id")?,
            image_id: fields.text("image_id")?,
            docker_volume_size: fields.volume_size("docker_volume_size")?,
            labels: fields.labels("labels")?,
            merge_labels: fields.boolean("merge_labels")?.unwrap_or(false),
            version: fields.text_of("version", 1, MAX_VERSION)?,
            marks: Marks::read(&mut fields)?,
        };
        fields.finish()?;
        Ok(draft)
    }

    /// The group, with all that it inherits from its cluster.
    pub(super) fn into_group(self, cluster: &Cluster, template: &ClusterTemplate) -> Result<NodeGroup> {
        let inherited = NodeGroup::of(cluster, template, &self.name, Timestamp::now());
        let role_name = self.role.unwrap_or_else(|| inherited.role_name.clone());
        let is_master = role_name == NodeRole::Master.to_string();
        let group = NodeGroup {
            role: if is_master { NodeRole::Master } else { NodeRole::Worker },
            role_name,
            node_count: self.node_count,
            min_node_count: self.min_node_count,
            max_node_count: self.max_node_count,
            flavor_id: self.flavor_id.or(inherited.flavor_id),
            image_id: self.image_id.unwrap_or(inherited.image_id),
            docker_volume_size: self.docker_volume_size,
            labels: labels::merge(&cluster.labels, self.labels, self.merge_labels),
            node_labels: self.marks.labels,
            node_taints: self.marks.taints,
            version: self.version,
            ..inherited
        };
        check(&group)?;
        if is_master {
            return Err(ApiError::field("role", "must not be master: masters are created with the cluster"));
        }
        Ok(group)
    }
}

/// Validates a group as a whole. A violation is a conflict (contract magnum-v1 section 2.4).
pub(super) fn check(group: &NodeGroup) -> Result<()> {
    let conflict = |error| ApiError::from(error).with_status(StatusCode::CONFLICT);
    group.check_marks().map_err(conflict)?;
    group.check_bounds(group.node_count).map_err(conflict)
}

impl Marks {
    /// Reads `node_labels` and `node_taints`.
    pub(super) fn read(fields: &mut Fields) -> Result<Self> {
        let labels = fields.strict_texts("node_labels")?.unwrap_or_default();
        let taints = fields.objects("node_taints")?.unwrap_or_default();
        for (name, count) in [("node_labels", labels.len()), ("node_taints", taints.len())] {
            if count > MAX_MARKS {
                return Err(ApiError::field(name, format!("must be at most {MAX_MARKS}, these are {count}")));
            }
        }
        Ok(Self { labels, taints: taints.into_iter().map(read_taint).collect::<Result<_>>()? })
    }
}

fn read_taint(mut taint: Map<String, Value>) -> Result<Taint> {
    let mut text = |name: &str| match taint.remove(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(ApiError::field("node_taints", format!("{name} must be a string in every taint"))),
    };
    let read = Taint { key: text("key")?, value: text("value")?, effect: text("effect")? };
    match taint.keys().next() {
        Some(other) => {
            let message = format!("a taint has key, value and effect, and no '{other}'");
            Err(ApiError::field("node_taints", message).with_status(StatusCode::CONFLICT))
        }
        None => Ok(read),
    }
}
