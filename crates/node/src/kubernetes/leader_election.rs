//! How the controllers of several masters agree on one that acts.

/// Arguments of kube-controller-manager and kube-scheduler. The lease and its deadline are upstream's. Only the
/// attempts come more often than every 2 s, so that a new cluster does not wait for its first leader.
pub fn arguments() -> [String; 4] {
    [
        "--leader-elect=true".to_owned(),
        "--leader-elect-lease-duration=15s".to_owned(),
        "--leader-elect-renew-deadline=10s".to_owned(),
        "--leader-elect-retry-period=1s".to_owned(),
    ]
}
