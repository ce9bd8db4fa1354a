//! kube-proxy, on every node.

use std::time::Duration;

use jeroboam_types::agent::{CertificateProfile as Profile, ServiceProxyMode};
use kube::Api;
use serde_json::{Value, json};

use super::layout::text;
use super::node::Node;
use super::{clients, kubeconfig};
use crate::fault::Fault;
use crate::process::{Probe, Spec};

/// Name of the component.
pub const NAME: &str = "kube-proxy";

/// Its user name: the common name of its certificate.
pub const USER: &str = "system:kube-proxy";

/// Interval of checks whether the node is registered.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// The spec of kube-proxy.
pub fn spec(node: &Node) -> Spec {
    Spec::new(NAME, node.layout.binary(NAME))
        .arguments(vec![format!("--config={}", text(node.layout.config("kube-proxy.yaml")))])
        .authorities(node.assignment.authorities)
        .file(node.layout.config("kube-proxy.yaml"), kubeconfig::yaml(&configuration(node)))
        .file(node.layout.kubeconfig(Profile::KubeProxy), kubeconfig::render(node, Profile::KubeProxy))
        .version(node.version.to_string())
}

/// Waits until this node is registered and kube-proxy may read it. If started earlier, kube-proxy is refused, and
/// retries with an increasing back-off.
///
/// # Errors
/// When its certificate cannot be used.
pub async fn has_something_to_do(node: &Node) -> Result<(), Fault> {
    let nodes: Api<k8s_openapi::api::core::v1::Node> = Api::all(clients::kube(node, Profile::KubeProxy).await?);
    while !matches!(nodes.get_opt(&node.assignment.name).await, Ok(Some(_))) {
        tokio::time::sleep(ASK_AGAIN).await;
    }
    Ok(())
}

/// Ready when the rules are set.
pub fn probe(client: &reqwest::Client) -> Probe {
    Probe::Http { client: client.clone(), url: "http://127.0.0.1:10256/healthz".to_owned(), alive: None }
}

/// nftables if the machine supports it, unless the cluster's labels select another mode.
pub fn mode(node: &Node) -> ServiceProxyMode {
    match node.machine.nftables {
        true => node.kubernetes.service_proxy,
        false => ServiceProxyMode::Iptables,
    }
}

/// Configuration; the same from 1.34 to 1.37.
fn configuration(node: &Node) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": { "kubeconfig": text(node.layout.kubeconfig(Profile::KubeProxy)) },
        "clusterCIDR": node.kubernetes.pod_cidr,
        "hostnameOverride": node.assignment.name,
        // With a bind address it need not wait for the node to be registered.
        "bindAddress": node.assignment.address,
        "mode": mode(node).to_string(),
        "metricsBindAddress": "127.0.0.1:10249",
        // The limits apply to the whole machine: a node that is a container cannot set them, and should not.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn where_there_is_no_nftables_it_is_not_used() {
        let mut node = testing::worker("v1.37.2");
        assert_eq!(mode(&node), ServiceProxyMode::Nftables);
        node.machine.nftables = false;
        assert_eq!(mode(&node), ServiceProxyMode::Iptables);
        node.machine.nftables = true;
        node.kubernetes.service_proxy = ServiceProxyMode::Iptables;
        assert_eq!(mode(&node), ServiceProxyMode::Iptables);
    }

    #[test]
    fn configuration_of_a_worker() {
        insta::assert_yaml_snapshot!("kube_proxy_configuration", configuration(&testing::worker("v1.37.2")));
    }
}
