//! Which nodes are removed when a group shrinks: those without pods first (contract workloads-2015 section 1.4).

use std::collections::BTreeSet;
use std::time::Duration;

use jeroboam_model::{EngineKind, Node, NodeGroup};
use jeroboam_store::ClusterRecord;
use jeroboam_types::v1::Pod;
use uuid::Uuid;

use crate::AppState;

/// Timeout for listing the cluster's pods. A client waits for it, and the list is optional: pods on a removed node are
/// moved.
const PATIENCE: Duration = Duration::from_secs(1);

/// The nodes of a group to remove so that `count` are left: those that were named, then those without pods. When the
/// pods cannot be listed, only those that were named; the store chooses the others.
pub(super) async fn leaving(
    state: &AppState,
    record: &ClusterRecord,
    group: &NodeGroup,
    count: u32,
    named: Vec<Uuid>,
) -> Vec<Uuid> {
    let members: Vec<&Node> = record.nodes.iter().filter(|node| node.node_group == group.uuid && node.wanted).collect();
    let left = members.iter().filter(|node| !named.contains(&node.uuid)).count();
    let is_shrinking = left > usize::try_from(count).unwrap_or(usize::MAX);
    if !is_shrinking || record.cluster.engine != EngineKind::KUBERNETES {
        return named;
    }
    match tokio::time::timeout(PATIENCE, busy_nodes(state, record)).await {
        Ok(Some(busy)) => choose(&members, &busy, count, named),
        _ => named,
    }
}

/// Names of the nodes that run pods of users.
async fn busy_nodes(state: &AppState, record: &ClusterRecord) -> Option<BTreeSet<String>> {
    let access = state.accesses.of(record).await.ok()?;
    let pods = state.kubernetes.workloads(&access).await.ok()?.list::<Pod>().await.ok()?;
    Some(pods.into_iter().filter_map(|pod| pod.host).collect())
}

fn choose(members: &[&Node], busy: &BTreeSet<String>, count: u32, named: Vec<Uuid>) -> Vec<Uuid> {
    let mut others: Vec<&&Node> = members.iter().filter(|node| !named.contains(&node.uuid)).collect();
    let excess = others.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
    // Among equals the highest numbers first, as everywhere.
    others.sort_by_key(|node| (busy.contains(&node.name), std::cmp::Reverse(number(&node.name))));
    named.into_iter().chain(others.into_iter().take(excess).map(|node| node.uuid)).collect()
}

/// The number at the end of a node's name.
fn number(name: &str) -> u32 {
    name.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jeroboam_model::NodeRole;
    use jiff::Timestamp;

    use super::*;

    fn node(number: u32) -> Node {
        Node {
            uuid: Uuid::from_u128(number.into()),
            cluster: Uuid::nil(),
            node_group: Uuid::nil(),
            name: format!("c-worker-{number}"),
            role: NodeRole::Worker,
            slot: number,
            wanted: true,
            machine_id: None,
            address: None,
            report: None,
            reported_at: None,
            silent_since: None,
            enrolled: true,
            joined_at: None,
            target: jeroboam_model::Target::default(),
            replace_machine: None,
            attempt: 0,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn nodes_without_pods_go_first_and_named_ones_before_all() {
        let nodes: Vec<Node> = [0, 2, 9, 10].map(node).into();
        let members: Vec<&Node> = nodes.iter().collect();
        let busy = BTreeSet::from(["c-worker-10".to_owned(), "c-worker-0".to_owned()]);
        let leaving = |count, named: &[u128]| -> Vec<u128> {
            let named = named.iter().map(|number| Uuid::from_u128(*number)).collect();
            choose(&members, &busy, count, named).iter().map(Uuid::as_u128).collect()
        };
        assert_eq!(leaving(3, &[]), [9]);
        assert_eq!(leaving(2, &[]), [9, 2]);
        assert_eq!(leaving(1, &[]), [9, 2, 10]);
        assert_eq!(leaving(2, &[0]), [0, 9]);
        assert_eq!(leaving(4, &[0]), [0]);
    }
}
