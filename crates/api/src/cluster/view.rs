//! Clusters in responses: which attributes exist in which form and from which microversion (contract magnum-v1 sections
//! 1.4, 2.2 and 2.11).

use std::collections::BTreeMap;

use jeroboam_model::condition;
use jeroboam_model::labels::compare;
use jeroboam_model::{Labels, NodeRole};
use jeroboam_store::ClusterRecord;
use jeroboam_types::v1;
use serde_json::Value;

use crate::http::{Caller, reply};
use crate::spelling::Spelling;

/// How much of a cluster is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// In short lists.
    Summary,
    /// In detailed lists.
    Detail,
    /// A single cluster: in full, with its faults.
    One,
}

/// Attributes that summaries do not have.
const NOT_IN_SUMMARIES: [&str; 19] = [
    "status_reason",
    "health_status_reason",
    "discovery_url",
    "api_address",
    "coe_version",
    "container_version",
    "project_id",
    "user_id",
    "node_addresses",
    "master_addresses",
    "fixed_network",
    "fixed_subnet",
    "floating_ip_enabled",
    "master_lb_enabled",
    "labels_overridden",
    "labels_added",
    "labels_skipped",
    "created_at",
    "updated_at",
];

/// Attributes that bays do not have.
const NOT_IN_BAYS: [&str; 10] = [
    "keypair",
    "health_status",
    "health_status_reason",
    "project_id",
    "user_id",
    "merge_labels",
    "labels_overridden",
    "labels_added",
    "labels_skipped",
    "cluster_id",
];

/// Attributes that bays have under another name.
const RENAMED_IN_BAYS: [(&str, &str); 3] =
    [("cluster_template_id", "baymodel_id"), ("create_timeout", "bay_create_timeout"), ("faults", "bay_faults")];

/// A cluster in a response. `template_labels` are needed in full forms. Every microversion has both names of the
/// infrastructure's handle: clients that request the latest one and read the old name would find nothing (Appendix
/// A29).
pub(crate) fn show(
    record: &ClusterRecord,
    template_labels: Option<&Labels>,
    caller: &Caller,
    spelling: Spelling,
    form: Form,
) -> Value {
    let mut attributes = reply::attributes(full(record, template_labels, caller, spelling));
    if form == Form::Summary {
        // Summaries of bays always had this attribute (contract magnum-v1 section 2.11).
        let is_kept = |name: &str| spelling == Spelling::Bay && name == "floating_ip_enabled";
        attributes.retain(|name, _| is_kept(name) || !NOT_IN_SUMMARIES.contains(&name.as_str()));
    }
    if form != Form::One || !record.cluster.status.is_failed() {
        attributes.remove("faults");
    }
    if spelling == Spelling::Bay {
        attributes.retain(|name, _| !NOT_IN_BAYS.contains(&name.as_str()));
        for (today, once) in RENAMED_IN_BAYS {
            if let Some(value) = attributes.remove(today) {
                attributes.insert(once.to_owned(), value);
            }
        }
    }
    Value::Object(attributes)
}

/// All attributes of all microversions.
fn full(record: &ClusterRecord, template_labels: Option<&Labels>, caller: &Caller, spelling: Spelling) -> v1::Cluster {
    let cluster = record.cluster.clone();
    let none = Labels::new();
    let compared = compare(template_labels.unwrap_or(&none), &cluster.labels);
    let count = |is_master: bool| {
        record.groups.iter().filter(|group| (group.role == NodeRole::Master) == is_master).map(|g| g.node_count).sum()
    };
    v1::Cluster {
        uuid: cluster.uuid.to_string(),
        name: Some(cluster.name),
        cluster_template_id: cluster.template.to_string(),
        keypair: cluster.keypair,
        node_count: count(false),
        master_count: count(true),
        docker_volume_size: cluster.docker_volume_size,
        labels: cluster.labels,
        master_flavor_id: cluster.master_flavor_id,
        flavor_id: cluster.flavor_id,
        create_timeout: cluster.create_timeout,
        status: cluster.status.to_string(),
        health_status: cluster.health.map(|health| health.to_string()),
        stack_id: cluster.stack_id.clone(),
        cluster_id: cluster.stack_id,
        merge_labels: false,
        status_reason: cluster.status_reason.or_else(|| condition::in_a_line(&cluster.health_reason)),
        health_status_reason: Some(cluster.health_reason),
        discovery_url: cluster.discovery_url,
        api_address: cluster.api_address,
        coe_version: cluster.coe_version,
        container_version: cluster.container_version,
        project_id: Some(cluster.project_id),
        user_id: Some(cluster.user_id),
        node_addresses: Some(addresses(record, |role| role != NodeRole::Master)),
        master_addresses: Some(addresses(record, |role| role == NodeRole::Master)),
        fixed_network: cluster.fixed_network,
        fixed_subnet: cluster.fixed_subnet,
        floating_ip_enabled: Some(cluster.floating_ip_enabled),
        master_lb_enabled: Some(cluster.master_lb_enabled),
        labels_overridden: Some(compared.overridden),
        labels_added: Some(compared.added),
        labels_skipped: Some(compared.skipped),
        faults: Some(faults(record)),
        links: reply::links(&caller.base, spelling.clusters(), cluster.uuid),
        created_at: Some(reply::time(cluster.created_at)),
        updated_at: cluster.updated_at.map(reply::time),
    }
}

fn addresses(record: &ClusterRecord, with_role: impl Fn(NodeRole) -> bool) -> Vec<String> {
    record
        .nodes
        .iter()
        .filter(|node| with_role(node.role))
        .filter_map(|node| node.address)
        .map(|address| address.to_string())
        .collect()
}

fn faults(record: &ClusterRecord) -> BTreeMap<String, Option<String>> {
    let failed = record.groups.iter().filter(|group| group.status.is_failed());
    failed.map(|group| (group.name.clone(), group.status_reason.clone())).collect()
}
