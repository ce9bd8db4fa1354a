//! The engine Kubernetes.

use std::net::{IpAddr, SocketAddr};

use ipnet::Ipv4Net;
use jeroboam_types::agent::{ControlPlaneAssignment, EngineAssignment, KubernetesAssignment};

use super::{Descriptor, Driver, Registration};
use crate::assignment::{DNS_DOMAIN, Source, dns_service_address, masters};
use crate::labels::{KUBE_TAG, KubernetesLabels, Labels};
use crate::{FieldError, Node, NodeRole, kubernetes};

pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "kubernetes",
    aliases: &[],
    api: "Kubernetes",
    authorities: &["kubernetes", "etcd", "front-proxy"],
    // Key that signs tokens of service accounts.
    keys: &["service-account"],
    // Magnum's default.
    api_port: 6443,
    master_ports: &[
        (2379..=2381, "etcd"),
        (10248..=10248, "the kubelet"),
        (10250..=10250, "the kubelet"),
        (10249..=10249, "kube-proxy"),
        (10256..=10256, "kube-proxy"),
        (10257..=10257, "the control plane"),
        (10259..=10259, "the control plane"),
    ],
    network_driver: Driver { offered: "flannel", known: "calico" },
    volume_driver: "cinder",
    is_versioned: true,
    marks_nodes: true,
    check_labels,
    check_networks,
    assign,
};

inventory::submit! { Registration::of(&DESCRIPTOR) }

fn check_labels(labels: &Labels, accepted: &Labels) -> Result<(), FieldError> {
    KubernetesLabels::read(labels)?;
    // A template of an older release may name a version that is no longer supported. It must stay editable.
    if labels.get(KUBE_TAG) != accepted.get(KUBE_TAG) {
        kubernetes::requested(labels)?;
    }
    Ok(())
}

fn check_networks(labels: &Labels, nodes: &[Ipv4Net]) -> Result<(), FieldError> {
    KubernetesLabels::read(labels)?.apart_from(nodes)
}

fn assign(source: &Source<'_>, node: &Node, address: IpAddr) -> Result<Option<EngineAssignment>, FieldError> {
    let labels = KubernetesLabels::read(&node.target.labels)?;
    let missing = || FieldError::new("engine_version", "must be known of a Kubernetes cluster");
    let version = node.target.engine_version.as_deref().ok_or_else(missing)?;
    Ok(assignment(source, node, address, version, &labels).map(Box::new).map(EngineAssignment::Kubernetes))
}

fn assignment(
    source: &Source<'_>,
    node: &Node,
    address: IpAddr,
    version: &str,
    labels: &KubernetesLabels,
) -> Option<KubernetesAssignment> {
    let secrets = source.secrets;
    let api_port = node.target.api_port;
    let masters = masters(source.nodes);
    let (api_address, control_plane) = match node.role {
        // A master uses its own API server, which exists as long as the node does.
        NodeRole::Master => {
            // etcd forms a cluster only when every member knows the addresses of all others.
            if masters.iter().any(|master| master.address.is_none()) {
                return None;
            }
            let control_plane = ControlPlaneAssignment {
                etcd_ca: secrets.etcd_ca.clone()?,
                front_proxy_ca: secrets.front_proxy_ca.clone()?,
                service_account_key: secrets.service_account_key.clone()?,
                service_account_public_key: secrets.service_account_public_key.clone()?,
                etcd_members: masters.iter().map(|master| master.name.clone()).collect(),
            };
            (address, Some(control_plane))
        }
        NodeRole::Worker => (masters.first()?.address?, None),
    };
    let group = source.groups.iter().find(|group| group.uuid == node.node_group);
    Some(KubernetesAssignment {
        version: version.to_owned(),
        api_server: format!("https://{}", SocketAddr::new(api_address, api_port)),
        api_port,
        pod_cidr: labels.pod_cidr.to_string(),
        node_prefix: labels.node_prefix,
        service_cidr: labels.service_cidr.to_string(),
        dns_address: dns_service_address(labels.service_cidr),
        dns_domain: DNS_DOMAIN.to_owned(),
        pod_network: labels.pod_network,
        service_proxy: labels.service_proxy,
        ca: secrets.ca.clone()?,
        node_labels: group.map(|group| group.node_labels.clone()).unwrap_or_default(),
        node_taints: group.map(|group| group.node_taints.clone()).unwrap_or_default(),
        control_plane,
    })
}
