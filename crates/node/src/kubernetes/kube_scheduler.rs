//! kube-scheduler, on masters.

use jeroboam_types::agent::CertificateProfile as Profile;
use serde_json::{Value, json};

use super::layout::text;
use super::node::Node;
use super::{kubeconfig, leader_election};
use crate::process::{Probe, Spec};

/// Name of the component.
pub const NAME: &str = "kube-scheduler";

const CONFIG: &str = "kube-scheduler.yaml";

/// The spec of the scheduler.
pub fn spec(node: &Node) -> Spec {
    Spec::new(NAME, node.layout.binary(NAME))
        .arguments(arguments(node))
        .authorities(node.assignment.authorities)
        .file(node.layout.config(CONFIG), kubeconfig::yaml(&configuration(node)))
        .file(node.layout.kubeconfig(Profile::KubeScheduler), kubeconfig::render(node, Profile::KubeScheduler))
        .version(node.version.to_string())
}

/// Ready when it serves; its certificate is self-signed.
pub fn probe(loopback: &reqwest::Client) -> Probe {
    Probe::Http { client: loopback.clone(), url: "https://127.0.0.1:10259/healthz".to_owned(), alive: None }
}

fn arguments(node: &Node) -> Vec<String> {
    let kubeconfig = text(node.layout.kubeconfig(Profile::KubeScheduler));
    vec![
        format!("--config={}", text(node.layout.config(CONFIG))),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
    ]
}

fn configuration(node: &Node) -> Value {
    json!({
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": { "kubeconfig": text(node.layout.kubeconfig(Profile::KubeScheduler)) },
        "enableProfiling": false,
        "leaderElection": leader_election::configuration(node),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn arguments_by_version() {
        testing::assert_arguments("kube_scheduler", |version| arguments(&testing::master(version)));
        insta::assert_yaml_snapshot!("kube_scheduler_configuration", configuration(&testing::master("v1.37.2")));
    }
}
