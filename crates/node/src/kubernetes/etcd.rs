//! etcd, on masters.

use jeroboam_types::agent::CertificateProfile as Profile;

use super::layout::{text, tool};
use super::node::{Node, host};
use crate::process::{Probe, Spec};

/// Name of the component.
pub const NAME: &str = "etcd";

/// URL of etcd's health and metrics, without certificates, for this machine only.
const HEALTH: &str = "http://127.0.0.1:2381";

/// The spec of etcd.
pub fn spec(node: &Node) -> Spec {
    Spec::new(NAME, tool(NAME)).arguments(arguments(node)).authorities(node.assignment.authorities)
}

/// Ready when the member has a leader.
pub fn probe(client: &reqwest::Client) -> Probe {
    Probe::Http { client: client.clone(), url: format!("{HEALTH}/health"), alive: None }
}

/// Whether it listens: requests are answered as soon as it has a leader.
pub fn listens(node: &Node) -> Probe {
    Probe::Port(format!("{}:2379", node.host()))
}

/// Arguments for etcd 3.6 and newer: the same for all versions of Kubernetes.
fn arguments(node: &Node) -> Vec<String> {
    let name = &node.assignment.name;
    let own = node.host();
    let server = node.layout.credentials(Profile::EtcdServer);
    let peer = node.layout.credentials(Profile::EtcdPeer);
    let ca = text(node.layout.pki("etcd-ca.crt"));
    vec![
        format!("--name={name}"),
        format!("--data-dir={}", text(node.layout.etcd_data())),
        format!("--listen-client-urls=https://127.0.0.1:2379,https://{own}:2379"),
        format!("--advertise-client-urls=https://{own}:2379"),
        format!("--listen-peer-urls=https://{own}:2380"),
        format!("--initial-advertise-peer-urls=https://{own}:2380"),
        format!("--initial-cluster={}", members(node).join(",")),
        "--initial-cluster-state=new".to_owned(),
        format!("--initial-cluster-token={}", node.assignment.cluster),
        format!("--cert-file={}", text(server.certificate_path())),
        format!("--key-file={}", text(server.key_path())),
        format!("--trusted-ca-file={ca}"),
        "--client-cert-auth=true".to_owned(),
        format!("--peer-cert-file={}", text(peer.certificate_path())),
        format!("--peer-key-file={}", text(peer.key_path())),
        format!("--peer-trusted-ca-file={ca}"),
        "--peer-client-cert-auth=true".to_owned(),
        format!("--listen-metrics-urls={HEALTH}"),
        "--logger=zap".to_owned(),
        "--log-level=warn".to_owned(),
    ]
}

/// `NAME=URL` of every member at the first start; etcd ignores it afterwards.
fn members(node: &Node) -> Vec<String> {
    let founders = node.control_plane().map(|control_plane| control_plane.etcd_members.as_slice()).unwrap_or_default();
    let peers = node.assignment.peers.iter();
    peers
        .filter(|peer| founders.contains(&peer.name))
        .map(|peer| format!("{}=https://{}:2380", peer.name, host(peer.address)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn arguments_of_one_and_of_three_masters() {
        insta::assert_yaml_snapshot!("one", arguments(&testing::master("v1.37.2")));
        let three = arguments(&testing::one_of_three_masters("v1.37.2"));
        let cluster = three.iter().find(|argument| argument.starts_with("--initial-cluster=")).unwrap();
        assert_eq!(
            cluster,
            "--initial-cluster=demo-master-0=https://172.18.0.2:2380,\
             demo-master-1=https://172.18.0.3:2380,demo-master-2=https://172.18.0.4:2380"
        );
    }
}
