//! Comparing assignments.

use jeroboam_types::agent::{Assignment, NodeRole};

/// Whether a newer assignment requires no change on this node. Only its revision may differ, and the workers in the
/// list of peers: these change while clusters are scaled, and a node gets what it needs about them from the cluster
/// itself.
pub fn means_the_same(known: &Assignment, newer: &Assignment) -> bool {
    match (essence(known), essence(newer)) {
        (Ok(known), Ok(newer)) => known == newer,
        // If in doubt, the assignment is carried out again.
        _ => false,
    }
}

fn essence(assignment: &Assignment) -> serde_json::Result<serde_json::Value> {
    let mut assignment = assignment.clone();
    assignment.revision = 0;
    assignment.peers.retain(|peer| peer.role == NodeRole::Master);
    serde_json::to_value(&assignment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn other_workers_and_a_new_number_mean_the_same() {
        let known = testing::worker("v1.37.2").assignment;
        let mut newer = known.clone();
        newer.revision += 1;
        newer.peers.retain(|peer| peer.role == NodeRole::Master);
        assert!(means_the_same(&known, &newer));
    }

    #[test]
    fn other_masters_or_registries_mean_something_else() {
        let known = testing::worker("v1.37.2").assignment;
        let mut newer = known.clone();
        newer.insecure_registries.push("172.17.0.1:5000".to_owned());
        assert!(!means_the_same(&known, &newer));
        let mut newer = known.clone();
        newer.peers.clear();
        assert!(!means_the_same(&known, &newer));
    }
}
