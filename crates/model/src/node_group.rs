//! Node groups: nodes of one role, flavor and image.

use std::collections::BTreeMap;

use jeroboam_types::agent::Taint;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Cluster, ClusterTemplate, Labels, NodeRole, Status};

/// Name of the group of masters that every cluster has.
pub const DEFAULT_MASTER: &str = "default-master";
/// Name of the group of workers that every cluster has.
pub const DEFAULT_WORKER: &str = "default-worker";

/// A node group. Fields as in contract magnum-v1 section 2.4.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeGroup {
    /// Id.
    pub uuid: Uuid,
    /// Its cluster.
    pub cluster: Uuid,
    /// Project that it belongs to.
    pub project_id: String,
    /// Unique in its cluster.
    pub name: String,
    /// What its nodes carry.
    pub role: NodeRole,
    /// Made with the cluster, and only deleted with it.
    pub is_default: bool,
    /// Wanted nodes.
    pub node_count: u32,
    /// Lower bound.
    pub min_node_count: u32,
    /// Upper bound; `None` or 0 is none.
    pub max_node_count: Option<u32>,
    /// Flavor.
    pub flavor_id: Option<String>,
    /// Image.
    pub image_id: String,
    /// GB per node.
    pub docker_volume_size: Option<u32>,
    /// Labels.
    pub labels: Labels,
    /// Kubernetes labels of its nodes.
    pub node_labels: BTreeMap<String, String>,
    /// Kubernetes taints of its nodes.
    pub node_taints: Vec<Taint>,
    /// Status.
    pub status: Status,
    /// Why.
    pub status_reason: Option<String>,
    /// Engine version of the group.
    pub version: Option<String>,
    /// Creation.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Option<Timestamp>,
}

impl NodeGroup {
    /// The group of masters, or of workers, that a cluster is made with (contract magnum-v1 section 2.4).
    #[must_use]
    pub fn default_of(cluster: &Cluster, template: &ClusterTemplate, role: NodeRole, node_count: u32) -> Self {
        let (name, flavor_id, min_node_count) = match role {
            NodeRole::Master => (DEFAULT_MASTER, &cluster.master_flavor_id, None),
            NodeRole::Worker => (DEFAULT_WORKER, &cluster.flavor_id, cluster.labels.get("min_node_count")),
        };
        Self {
            uuid: Uuid::new_v4(),
            cluster: cluster.uuid,
            project_id: cluster.project_id.clone(),
            name: name.to_owned(),
            role,
            is_default: true,
            node_count,
            min_node_count: min_node_count.and_then(|min| min.parse().ok()).unwrap_or(0),
            max_node_count: None,
            flavor_id: flavor_id.clone(),
            image_id: template.image_id.clone(),
            docker_volume_size: cluster.docker_volume_size,
            labels: cluster.labels.clone(),
            node_labels: BTreeMap::new(),
            node_taints: Vec::new(),
            status: cluster.status,
            status_reason: None,
            version: None,
            created_at: cluster.created_at,
            updated_at: None,
        }
    }
}
