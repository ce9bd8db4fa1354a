//! Labels and names of everything that we create at a Docker Engine: labels to find it by, names for people.

use std::collections::HashMap;

use uuid::Uuid;

use super::Docker;
use crate::{ClusterRef, MachineSpec};

/// Id of the deployment that created it: several may share an engine.
pub const DEPLOYMENT: &str = "org.jeroboam.deployment";
/// Id of the cluster that it belongs to.
pub const CLUSTER: &str = "org.jeroboam.cluster";
/// Id of the node that it belongs to.
pub const NODE: &str = "org.jeroboam.node";
/// Role of the node, `master` or `worker`.
pub const ROLE: &str = "org.jeroboam.role";
/// Slot of the node: its address follows from it.
pub const SLOT: &str = "org.jeroboam.slot";
/// Name of the cluster, for people.
pub const CLUSTER_NAME: &str = "org.jeroboam.cluster-name";
/// Engine of the cluster.
pub const ENGINE: &str = "org.jeroboam.engine";
/// Project of the cluster, for people.
pub const PROJECT: &str = "org.jeroboam.project";

/// Prefix of the names of networks and containers.
pub(super) const PREFIX: &str = "jeroboam-";
/// The deployment's number when it was created.
pub const NUMBER: &str = "org.jeroboam.number";
/// Id of the server whose mark it is.
pub const INSTANCE: &str = "org.jeroboam.instance";
/// Host name of the server, for people.
pub const HOST: &str = "org.jeroboam.host";
/// URL at which the server answers.
pub const URL: &str = "org.jeroboam.url";

/// Labels in the engine's format.
pub(super) type Labels = HashMap<String, String>;
/// Filters in the engine's format.
pub(super) type Filters = HashMap<String, Vec<String>>;

/// Labels of a cluster's objects.
pub(super) fn of_cluster(docker: &Docker, cluster: &ClusterRef) -> Labels {
    HashMap::from([
        (DEPLOYMENT.to_owned(), docker.deployment()),
        (NUMBER.to_owned(), cluster.number.to_string()),
        (CLUSTER.to_owned(), cluster.uuid.to_string()),
        (CLUSTER_NAME.to_owned(), cluster.name.clone()),
        (PROJECT.to_owned(), cluster.project_id.clone()),
        (ENGINE.to_owned(), cluster.engine.clone()),
    ])
}

/// Labels of a node's objects.
pub(super) fn of_node(docker: &Docker, cluster: &ClusterRef, spec: &MachineSpec) -> Labels {
    let mut labels = of_cluster(docker, cluster);
    labels.insert(NODE.to_owned(), spec.node.to_string());
    labels.insert(ROLE.to_owned(), spec.role.to_string());
    labels.insert(SLOT.to_owned(), spec.slot.to_string());
    labels
}

/// Filter for everything that this deployment created.
pub(super) fn any(docker: &Docker) -> Filters {
    HashMap::from([("label".to_owned(), vec![format!("{DEPLOYMENT}={}", docker.deployment())])])
}

/// Filter for the cluster's objects.
pub(super) fn cluster_is(docker: &Docker, cluster: Uuid) -> Filters {
    let mut filters = any(docker);
    filters.entry("label".to_owned()).or_default().push(format!("{CLUSTER}={cluster}"));
    filters
}

/// Filter for the node's objects.
pub(super) fn node_is(docker: &Docker, cluster: Uuid, node: Uuid) -> Filters {
    let mut filters = cluster_is(docker, cluster);
    filters.entry("label".to_owned()).or_default().push(format!("{NODE}={node}"));
    filters
}

/// Filter for the marks of this deployment's servers.
pub(super) fn servers(docker: &Docker) -> Filters {
    let mut filters = any(docker);
    filters.entry("label".to_owned()).or_default().push(INSTANCE.to_owned());
    filters
}

/// Reads the deployment's number from the labels.
pub(super) fn number(labels: &Labels) -> Option<i64> {
    labels.get(NUMBER)?.parse().ok()
}

/// Reads an id from the labels.
pub(super) fn id(labels: Option<&Labels>, label: &str) -> Option<Uuid> {
    labels?.get(label)?.parse().ok()
}

/// Name of a cluster's network.
pub(super) fn network_name(cluster: Uuid) -> String {
    format!("{PREFIX}{}", short(cluster))
}

/// Name of a node's container. Names are unique at the engine, so a node cannot get two containers.
pub(super) fn container_name(cluster: Uuid, node_name: &str) -> String {
    format!("{PREFIX}{}-{node_name}", short(cluster))
}

fn short(cluster: Uuid) -> String {
    let mut id = cluster.simple().to_string();
    id.truncate(8);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_with_the_clusters_id_so_that_two_clusters_of_one_name_do_not_meet() {
        let cluster = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(network_name(cluster), "jeroboam-01234567");
        assert_eq!(container_name(cluster, "c-master-0"), "jeroboam-01234567-c-master-0");
    }

    #[test]
    fn an_id_that_is_none_is_no_mark() {
        let labels = Labels::from([(NODE.to_owned(), "nobody".to_owned())]);
        assert_eq!(id(Some(&labels), NODE), None);
        assert_eq!(id(Some(&labels), CLUSTER), None);
        assert_eq!(id(None, NODE), None);
    }
}
