//! kubelet, on every node.

use jeroboam_types::agent::CertificateProfile as Profile;
use serde_json::{Map, Value, json};

use super::kubeconfig;
use super::layout::{CONTAINERD_SOCKET, text};
use super::node::Node;
use crate::machine::cgroup::Withheld;
use crate::process::{Probe, Spec};

/// Name of the component.
pub const NAME: &str = "kubelet";

/// Prefixes of labels in Kubernetes' namespaces that a kubelet may set on its own node (the NodeRestriction admission
/// plugin refuses all others).
const OWN_LABEL_PREFIXES: [&str; 2] = ["kubelet.kubernetes.io/", "node.kubernetes.io/"];

/// The spec of kubelet.
pub fn spec(node: &Node) -> Spec {
    Spec::new(NAME, node.layout.binary(NAME))
        .arguments(arguments(node))
        .authorities(node.assignment.authorities)
        .file(node.layout.config("kubelet.yaml"), kubeconfig::yaml(&configuration(node)))
        // Pods must not inherit resolvers that only this machine can reach, such as Docker's on 127.0.0.11.
        .file(node.layout.config("resolv.conf"), format!("nameserver {}\n", node.kubernetes.dns_address))
        .file(node.layout.kubeconfig(Profile::Kubelet), kubeconfig::render(node, Profile::Kubelet))
        .version(node.version.to_string())
}

/// Ready when its sync loops run.
pub fn probe(client: &reqwest::Client) -> Probe {
    Probe::Http { client: client.clone(), url: "http://127.0.0.1:10248/healthz".to_owned(), alive: None }
}

fn arguments(node: &Node) -> Vec<String> {
    let mut arguments = vec![
        format!("--config={}", text(node.layout.config("kubelet.yaml"))),
        format!("--kubeconfig={}", text(node.layout.kubeconfig(Profile::Kubelet))),
        format!("--hostname-override={}", node.assignment.name),
        format!("--node-ip={}", node.assignment.address),
    ];
    let labels = self_labels(node);
    if !labels.is_empty() {
        arguments.push(format!("--node-labels={}", labels.join(",")));
    }
    arguments
}

/// The labels that a kubelet may register itself with.
fn self_labels(node: &Node) -> Vec<String> {
    let reserved = |key: &str| {
        let domain = key.split_once('/').map_or("", |(domain, _)| domain);
        let kubernetes = ["kubernetes.io", "k8s.io"].iter().any(|d| domain == *d || domain.ends_with(&format!(".{d}")));
        kubernetes && !OWN_LABEL_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
    };
    let labels = node.kubernetes.node_labels.iter();
    labels.filter(|(key, _)| !reserved(key)).map(|(key, value)| format!("{key}={value}")).collect()
}

fn configuration(node: &Node) -> Value {
    let server = node.layout.credentials(Profile::KubeletServer);
    let mut config = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": text(node.layout.pki("ca.crt")) },
        },
        "authorization": { "mode": "Webhook" },
        "tlsCertFile": text(server.certificate_path()),
        "tlsPrivateKeyFile": text(server.key_path()),
        "cgroupDriver": "cgroupfs",
        "clusterDNS": [node.kubernetes.dns_address],
        "clusterDomain": node.kubernetes.dns_domain,
        "resolvConf": text(node.layout.config("resolv.conf")),
        "failSwapOn": false,
        // Limits on all pods together would need cgroups that a container node does not have.
        "enforceNodeAllocatable": [],
        "containerRuntimeEndpoint": format!("unix://{CONTAINERD_SOCKET}"),
        "registerWithTaints": node.taints(),
        // cgroup v1 is refused by default from 1.35 on, but the machine's owner decides about it.
        "failCgroupV1": false,
        // How often kubelet checks its status for changes; it still writes only changes. With the default of 10 s a
        // node would stay not ready for that long after its network is up.
        "nodeStatusUpdateFrequency": "2s",
        "nodeStatusReportFrequency": "5m",
    });
    let mut set = |key: &str, value: Value| {
        if let Some(fields) = config.as_object_mut() {
            fields.insert(key.to_owned(), value);
        }
    };
    if node.machine.container {
        // The disk is shared with the whole machine: its usage is no indicator for this node.
        set("imageGCHighThresholdPercent", json!(100));
        let thresholds = ["nodefs.available", "nodefs.inodesFree", "imagefs.available"];
        let thresholds: Map<String, Value> =
            thresholds.map(|signal| (signal.to_owned(), json!("0%"))).into_iter().collect();
        set("evictionHard", Value::Object(thresholds));
    }
    let reserved = reserved(node.machine.withheld);
    if !reserved.is_empty() {
        set("systemReserved", Value::Object(reserved));
    }
    config
}

/// Reserves what the node's flavor excludes: kubelet sees the whole machine and would offer all of it to pods.
fn reserved(withheld: Withheld) -> Map<String, Value> {
    let mut reserved = Map::new();
    if withheld.cpu_milli > 0 {
        reserved.insert("cpu".to_owned(), json!(format!("{}m", withheld.cpu_milli)));
    }
    if withheld.memory > 0 {
        reserved.insert("memory".to_owned(), json!(withheld.memory.to_string()));
    }
    reserved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn arguments_by_version() {
        testing::assert_arguments("kubelet", |version| arguments(&testing::master(version)));
    }

    #[test]
    fn configuration_by_version() {
        for version in testing::VERSIONS {
            insta::assert_yaml_snapshot!(
                format!("kubelet_configuration_{version}"),
                configuration(&testing::master(version))
            );
        }
    }

    #[test]
    fn pods_are_promised_no_more_than_the_flavor_has() {
        let mut node = testing::worker("v1.37.2");
        assert_eq!(configuration(&node)["systemReserved"], Value::Null);
        node.machine.withheld = Withheld { cpu_milli: 500, memory: 20 << 30 };
        assert_eq!(configuration(&node)["systemReserved"], json!({"cpu": "500m", "memory": "21474836480"}));
    }

    #[test]
    fn labels_that_the_api_server_would_refuse_are_left_out() {
        let mut node = testing::worker("v1.37.2");
        for label in ["node-role.kubernetes.io/worker", "example.com/disk", "node.kubernetes.io/zone", "plain"] {
            node.kubernetes.node_labels.insert(label.to_owned(), "x".to_owned());
        }
        assert_eq!(
            self_labels(&node),
            ["example.com/disk=x", "jeroboam.io/group=default", "node.kubernetes.io/zone=x", "plain=x"]
        );
    }
}
