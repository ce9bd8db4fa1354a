//! Node groups in responses (contract magnum-v1 section 2.4), the same in all microversions that have them.

use jeroboam_model::NodeGroup;
use jeroboam_model::labels::compare;
use jeroboam_store::ClusterRecord;
use jeroboam_types::agent::Taint;
use jeroboam_types::v1::{self, Link};
use serde_json::{Map, Value};

use crate::http::{Caller, reply};

/// Attributes of summaries.
const IN_SUMMARIES: [&str; 12] = [
    "uuid",
    "name",
    "merge_labels",
    "flavor_id",
    "image_id",
    "node_count",
    "role",
    "min_node_count",
    "max_node_count",
    "is_default",
    "stack_id",
    "status",
];

/// A group in a list.
pub(super) fn summary(record: &ClusterRecord, group: &NodeGroup) -> Value {
    let mut attributes = attributes(record, group, Vec::new());
    attributes.retain(|name, _| IN_SUMMARIES.contains(&name.as_str()));
    Value::Object(attributes)
}

/// A single group in full.
pub(super) fn full(record: &ClusterRecord, group: &NodeGroup, caller: &Caller) -> Value {
    let collection = format!("clusters/{}/nodegroups", record.cluster.uuid);
    Value::Object(attributes(record, group, reply::links(&caller.base, &collection, group.uuid)))
}

fn attributes(record: &ClusterRecord, group: &NodeGroup, links: Vec<Link>) -> Map<String, Value> {
    let group = group.clone();
    let compared = compare(&record.cluster.labels, &group.labels);
    let nodes = record.nodes.iter().filter(|node| node.node_group == group.uuid);
    reply::attributes(v1::NodeGroup {
        id: Some(group.id),
        uuid: group.uuid.to_string(),
        name: group.name,
        cluster_id: Some(group.cluster.to_string()),
        project_id: Some(group.project_id),
        docker_volume_size: group.docker_volume_size,
        labels: Some(group.labels),
        flavor_id: group.flavor_id,
        image_id: Some(group.image_id),
        node_addresses: Some(nodes.filter_map(|node| node.address).map(|address| address.to_string()).collect()),
        node_count: group.node_count,
        role: group.role_name,
        min_node_count: group.min_node_count,
        max_node_count: group.max_node_count,
        is_default: group.is_default,
        stack_id: record.cluster.stack_id.clone(),
        status: Some(group.status.to_string()),
        status_reason: group.status_reason,
        version: group.version,
        node_labels: Some(group.node_labels),
        node_taints: Some(group.node_taints.into_iter().map(taint).collect()),
        merge_labels: false,
        labels_overridden: Some(compared.overridden),
        labels_added: Some(compared.added),
        labels_skipped: Some(compared.skipped),
        links,
        created_at: Some(reply::time(group.created_at)),
        updated_at: group.updated_at.map(reply::time),
    })
}

fn taint(taint: Taint) -> v1::NodeTaint {
    v1::NodeTaint { key: taint.key, value: taint.value, effect: taint.effect }
}
