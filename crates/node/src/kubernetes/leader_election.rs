//! How the controllers of several masters agree on one that acts.

use jeroboam_types::agent::NodeRole;

use super::node::Node;

/// Arguments of kube-controller-manager and kube-scheduler. The lease and its deadline are upstream's. Only the
/// attempts come more often than every 2 s, so that a new cluster does not wait for its first leader.
///
/// A master that is alone has nobody to agree with. It would only wait for its own lease to run out after every crash.
pub fn arguments(node: &Node) -> Vec<String> {
    let masters = node.assignment.peers.iter().filter(|peer| peer.role == NodeRole::Master).count();
    if masters <= 1 {
        return vec!["--leader-elect=false".to_owned()];
    }
    vec![
        "--leader-elect=true".to_owned(),
        "--leader-elect-lease-duration=15s".to_owned(),
        "--leader-elect-renew-deadline=10s".to_owned(),
        "--leader-elect-retry-period=1s".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn only_several_masters_elect_a_leader() {
        assert_eq!(arguments(&testing::master("v1.20.2")), ["--leader-elect=false"]);
        let several = arguments(&testing::one_of_three_masters("v1.20.2"));
        assert!(several.contains(&"--leader-elect=true".to_owned()), "{several:?}");
    }
}
