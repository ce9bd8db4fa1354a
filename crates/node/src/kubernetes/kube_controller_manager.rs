//! kube-controller-manager, on masters.

use jeroboam_types::agent::CertificateProfile as Profile;

use super::layout::text;
use super::node::Node;
use super::{kubeconfig, leader_election};
use crate::process::{Probe, Spec};

/// Name of the component.
pub const NAME: &str = "kube-controller-manager";

/// The spec of the controller manager.
pub fn spec(node: &Node) -> Spec {
    Spec::new(NAME, node.layout.binary(NAME))
        .arguments(arguments(node))
        .authorities(node.assignment.authorities)
        .file(
            node.layout.kubeconfig(Profile::KubeControllerManager),
            kubeconfig::render(node, Profile::KubeControllerManager),
        )
        .version(node.version.to_string())
}

/// Ready when it serves; its certificate is self-signed.
pub fn probe(loopback: &reqwest::Client) -> Probe {
    Probe::Http { client: loopback.clone(), url: "https://127.0.0.1:10257/healthz".to_owned(), alive: None }
}

fn arguments(node: &Node) -> Vec<String> {
    let kubernetes = &node.kubernetes;
    let kubeconfig = text(node.layout.kubeconfig(Profile::KubeControllerManager));
    let pki = |file: &str| text(node.layout.pki(file));
    let mut arguments = vec![
        "--bind-address=127.0.0.1".to_owned(),
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        format!("--client-ca-file={}", pki("ca.crt")),
        format!("--requestheader-client-ca-file={}", pki("front-proxy-ca.crt")),
        format!("--root-ca-file={}", pki("ca.crt")),
        format!("--service-account-private-key-file={}", pki("sa.key")),
        "--use-service-account-credentials=true".to_owned(),
        format!("--cluster-name={}", node.assignment.cluster),
        // Done by the agent, see module pod_ranges.
        "--allocate-node-cidrs=false".to_owned(),
        format!("--cluster-cidr={}", kubernetes.pod_cidr),
        format!("--service-cluster-ip-range={}", kubernetes.service_cidr),
        "--profiling=false".to_owned(),
        // With the defaults (20 and 30) the forty controllers of a new cluster would be delayed for seconds.
        "--kube-api-qps=100".to_owned(),
        "--kube-api-burst=200".to_owned(),
    ];
    arguments.extend(leader_election::arguments(node));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn arguments_by_version() {
        testing::assert_arguments("kube_controller_manager", |version| arguments(&testing::master(version)));
    }
}
