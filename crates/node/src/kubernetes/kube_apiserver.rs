//! kube-apiserver, on masters.

use jeroboam_types::agent::CertificateProfile as Profile;

use super::layout::text;
use super::node::Node;
use crate::process::{Probe, Spec};

/// Name of the component.
pub const NAME: &str = "kube-apiserver";

/// The spec of the API server.
pub fn spec(node: &Node) -> Spec {
    Spec::new(NAME, node.layout.binary(NAME))
        .arguments(arguments(node))
        .authorities(node.assignment.authorities)
        .version(node.version.to_string())
}

/// Ready when its own check succeeds: etcd answers and the built-in roles exist.
pub fn probe(node: &Node, client: &reqwest::Client) -> Probe {
    // Readiness depends on etcd, being alive does not.
    Probe::Http {
        client: client.clone(),
        url: format!("{}/readyz", node.local_api()),
        alive: Some(format!("{}/livez/ping", node.local_api())),
    }
}

/// Arguments; the same from 1.34 to 1.37, and none of them is deprecated.
fn arguments(node: &Node) -> Vec<String> {
    let kubernetes = &node.kubernetes;
    let certificate = |profile: Profile| text(node.layout.credentials(profile).certificate_path());
    let key = |profile: Profile| text(node.layout.credentials(profile).key_path());
    let pki = |file: &str| text(node.layout.pki(file));
    vec![
        format!("--advertise-address={}", node.assignment.address),
        format!("--secure-port={}", kubernetes.api_port),
        "--allow-privileged=true".to_owned(),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        format!("--service-cluster-ip-range={}", kubernetes.service_cidr),
        format!("--client-ca-file={}", pki("ca.crt")),
        format!("--tls-cert-file={}", certificate(Profile::KubeApiserver)),
        format!("--tls-private-key-file={}", key(Profile::KubeApiserver)),
        // Only the local member: if it is down, the other API servers have theirs.
        format!("--etcd-servers=https://{}:2379", node.host()),
        format!("--etcd-cafile={}", pki("etcd-ca.crt")),
        format!("--etcd-certfile={}", certificate(Profile::EtcdClient)),
        format!("--etcd-keyfile={}", key(Profile::EtcdClient)),
        format!("--kubelet-client-certificate={}", certificate(Profile::KubeApiserverKubeletClient)),
        format!("--kubelet-client-key={}", key(Profile::KubeApiserverKubeletClient)),
        format!("--kubelet-certificate-authority={}", pki("ca.crt")),
        // Node names may not be resolvable.
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        format!("--proxy-client-cert-file={}", certificate(Profile::FrontProxyClient)),
        format!("--proxy-client-key-file={}", key(Profile::FrontProxyClient)),
        format!("--requestheader-client-ca-file={}", pki("front-proxy-ca.crt")),
        "--requestheader-allowed-names=front-proxy-client".to_owned(),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
        format!("--service-account-issuer=https://kubernetes.default.svc.{}", kubernetes.dns_domain),
        format!("--service-account-key-file={}", pki("sa.pub")),
        format!("--service-account-signing-key-file={}", pki("sa.key")),
        "--profiling=false".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn arguments_by_version() {
        testing::assert_arguments("kube_apiserver", |version| arguments(&testing::master(version)));
    }
}
