//! Nodes for the tests of the components' specs.

use std::collections::BTreeMap;

use jeroboam_types::agent::{
    Assignment, ControlPlaneAssignment, EngineAssignment, KubernetesAssignment, NodeRole, Peer, PodNetwork,
    ServiceProxyMode,
};

use super::node::{Machine, Node};
use crate::machine::cgroup::Withheld;

/// Versions whose arguments are tested: the oldest and the newest supported one, and those with changes between.
pub(crate) const VERSIONS: [&str; 2] = ["v1.34.4", "v1.37.2"];

/// Compares the arguments with one snapshot per version.
pub(crate) fn assert_arguments(component: &str, arguments: impl Fn(&str) -> Vec<String>) {
    for version in VERSIONS {
        insta::assert_yaml_snapshot!(format!("{component}_{version}"), arguments(version));
    }
}

pub(crate) fn master(version: &str) -> Node {
    node(version, &["demo-master-0"], "demo-master-0")
}

pub(crate) fn one_of_three_masters(version: &str) -> Node {
    node(version, &["demo-master-0", "demo-master-1", "demo-master-2"], "demo-master-1")
}

pub(crate) fn worker(version: &str) -> Node {
    node(version, &["demo-master-0"], "demo-node-0")
}

fn node(version: &str, masters: &[&str], name: &str) -> Node {
    let names = masters.iter().map(|name| (*name, NodeRole::Master)).chain([("demo-node-0", NodeRole::Worker)]);
    let peers: Vec<Peer> = names
        .zip(2u8..)
        .map(|((name, role), last)| Peer { name: name.to_owned(), address: [172, 18, 0, last].into(), role })
        .collect();
    let own = peers.iter().find(|peer| peer.name == name).unwrap().clone();
    let kubernetes = KubernetesAssignment {
        version: version.to_owned(),
        api_server: "https://172.18.0.2:6443".to_owned(),
        api_port: 6443,
        pod_cidr: "10.100.0.0/16".to_owned(),
        node_prefix: 24,
        service_cidr: "10.254.0.0/16".to_owned(),
        dns_address: [10, 254, 0, 10].into(),
        dns_domain: "cluster.local".to_owned(),
        pod_network: PodNetwork::HostGw,
        service_proxy: ServiceProxyMode::Nftables,
        ca: "CA".to_owned(),
        node_labels: BTreeMap::from([("jeroboam.io/group".to_owned(), "default".to_owned())]),
        node_taints: Vec::new(),
        control_plane: (own.role == NodeRole::Master).then(|| ControlPlaneAssignment {
            etcd_ca: "ETCD CA".to_owned(),
            front_proxy_ca: "FRONT PROXY CA".to_owned(),
            service_account_key: "KEY".to_owned(),
            service_account_public_key: "PUBLIC KEY".to_owned(),
            etcd_members: masters.iter().map(|name| (*name).to_owned()).collect(),
        }),
    };
    let assignment = Assignment {
        revision: 1,
        name: own.name,
        cluster: "demo".to_owned(),
        role: own.role,
        address: own.address,
        peers,
        attempt: 0,
        insecure_registries: Vec::new(),
        authorities: 1,
        proxy: None,
        container_volume: None,
        registry: None,
        engine: EngineAssignment::Kubernetes(Box::new(kubernetes.clone())),
    };
    let machine = Machine {
        container: true,
        can_raise_limits: false,
        has_pause_image: true,
        nftables: true,
        withheld: Withheld::default(),
    };
    Node::new(&assignment, &kubernetes, machine).unwrap()
}
