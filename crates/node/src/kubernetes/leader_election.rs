//! Leader election between the controllers of several masters.

use jeroboam_types::agent::NodeRole;
use serde_json::{Value, json};

use super::node::Node;

/// Lease and deadline are upstream's defaults. Only the retry period is below the default of 2 s, so that a new cluster
/// gets its first leader sooner.
const LEASE: &str = "15s";
const DEADLINE: &str = "10s";
const RETRY: &str = "1s";

/// Whether leader election is needed. A single master would only wait for its own lease to expire after every crash.
fn is_needed(node: &Node) -> bool {
    node.assignment.peers.iter().filter(|peer| peer.role == NodeRole::Master).count() > 1
}

/// Leader election settings as arguments.
pub fn arguments(node: &Node) -> Vec<String> {
    if !is_needed(node) {
        return vec!["--leader-elect=false".to_owned()];
    }
    vec![
        "--leader-elect=true".to_owned(),
        format!("--leader-elect-lease-duration={LEASE}"),
        format!("--leader-elect-renew-deadline={DEADLINE}"),
        format!("--leader-elect-retry-period={RETRY}"),
    ]
}

/// Leader election settings as part of a configuration file.
pub fn configuration(node: &Node) -> Value {
    json!({
        "leaderElect": is_needed(node),
        "leaseDuration": LEASE,
        "renewDeadline": DEADLINE,
        "retryPeriod": RETRY,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn only_several_masters_elect_a_leader() {
        assert_eq!(arguments(&testing::master("v1.37.2")), ["--leader-elect=false"]);
        assert_eq!(configuration(&testing::master("v1.37.2"))["leaderElect"], false);
        assert_eq!(configuration(&testing::one_of_three_masters("v1.37.2"))["leaderElect"], true);
        let several = arguments(&testing::one_of_three_masters("v1.37.2"));
        assert!(several.contains(&"--leader-elect=true".to_owned()), "{several:?}");
    }
}
