//! kube-scheduler, on masters.

use jeroboam_types::agent::CertificateProfile as Profile;

use super::layout::text;
use super::node::Node;
use super::{kubeconfig, leader_election};
use crate::process::{Probe, Spec};

/// Name of the component.
pub const NAME: &str = "kube-scheduler";

/// The scheduler as it is to run.
pub fn spec(node: &Node) -> Spec {
    Spec::new(NAME, node.layout.binary(NAME))
        .arguments(arguments(node))
        .authorities(node.assignment.authorities)
        .file(node.layout.kubeconfig(Profile::KubeScheduler), kubeconfig::render(node, Profile::KubeScheduler))
        .version(node.version.to_string())
}

/// Ready when it serves; its certificate is its own.
pub fn probe(loopback: &reqwest::Client) -> Probe {
    Probe::Http { client: loopback.clone(), url: "https://127.0.0.1:10259/healthz".to_owned() }
}

fn arguments(node: &Node) -> Vec<String> {
    let kubeconfig = text(node.layout.kubeconfig(Profile::KubeScheduler));
    let mut arguments = vec![
        "--bind-address=127.0.0.1".to_owned(),
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        "--profiling=false".to_owned(),
    ];
    arguments.extend(leader_election::arguments(node));
    if !node.version.since(24) {
        // The unencrypted port, on by default up to 1.22; the flag went away with it.
        arguments.push("--port=0".to_owned());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn arguments_by_version() {
        testing::assert_arguments("kube_scheduler", |version| arguments(&testing::master(version)));
    }
}
