//! Which node may have which certificate, and the certificate's contents. Subjects as in kubeadm (kubernetes.io, "PKI
//! certificates and requirements"); names and addresses come from the database, never from the node.

use std::net::{IpAddr, Ipv4Addr};

use jeroboam_model::assignment::{DNS_DOMAIN, kubernetes_service_address};
use jeroboam_model::labels::KubernetesLabels;
use jeroboam_model::{EngineKind, FieldError, Node, NodeRole};
use jeroboam_pki::Profile;
use jeroboam_pki::certificate::VALIDITY;
use jeroboam_store::ClusterRecord;
use jeroboam_types::agent::CertificateProfile;

use super::error::AgentError;

/// Group with all rights in a Kubernetes cluster.
const MASTERS: &str = "system:masters";

/// An authority of a cluster, by the name of its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Signer {
    /// The cluster's main authority, whatever its engine.
    Kubernetes,
    Etcd,
    FrontProxy,
}

/// The certificate that a node gets for a profile, and its signer.
pub(super) fn resolve(
    wanted: CertificateProfile,
    record: &ClusterRecord,
    node: &Node,
) -> Result<(Signer, Profile), AgentError> {
    use CertificateProfile as Wanted;
    let engine = record.cluster.engine;
    let (wanted_engine, masters_only) = match wanted {
        Wanted::DockerServer => (Some(EngineKind::SWARM), false),
        Wanted::Kubelet | Wanted::KubeletServer | Wanted::KubeProxy | Wanted::NodeAgent => {
            (Some(EngineKind::KUBERNETES), false)
        }
        Wanted::RegistryClient => (None, false),
        Wanted::RegistryServer => (None, true),
        _ => (Some(EngineKind::KUBERNETES), true),
    };
    if let Some(wanted_engine) = wanted_engine.filter(|wanted| *wanted != engine) {
        return Err(AgentError::Forbidden(format!(
            "The certificate {wanted} is for {wanted_engine} clusters; this one is a {engine} cluster."
        )));
    }
    if masters_only && node.role != NodeRole::Master {
        return Err(AgentError::Forbidden(format!(
            "The certificate {wanted} is for masters; {} is a {}.",
            node.name, node.role
        )));
    }
    let kubelet = || client(&format!("system:node:{}", node.name), &["system:nodes"]);
    Ok(match wanted {
        Wanted::KubeApiserver => (Signer::Kubernetes, api_server(record, node).map_err(|error| unusable(&error))?),
        Wanted::KubeApiserverKubeletClient => (Signer::Kubernetes, client("kube-apiserver-kubelet-client", &[MASTERS])),
        Wanted::KubeControllerManager => (Signer::Kubernetes, client("system:kube-controller-manager", &[])),
        Wanted::KubeScheduler => (Signer::Kubernetes, client("system:kube-scheduler", &[])),
        Wanted::Kubelet => (Signer::Kubernetes, kubelet()),
        // The subject that kubelets request themselves where they may (kubernetes.io, signer kubelet-serving).
        Wanted::KubeletServer => (Signer::Kubernetes, Profile { client: false, ..served(kubelet(), node)? }),
        Wanted::KubeProxy => (Signer::Kubernetes, client("system:kube-proxy", &["system:node-proxier"])),
        Wanted::NodeAgent => (Signer::Kubernetes, client("jeroboam:node", &[])),
        // etcd members connect to each other with their serving certificates, so both profiles are for clients too.
        Wanted::EtcdServer | Wanted::EtcdPeer => (Signer::Etcd, served(client(&node.name, &[]), node)?),
        Wanted::EtcdClient => (Signer::Etcd, client("kube-apiserver-etcd-client", &[MASTERS])),
        Wanted::FrontProxyClient => (Signer::FrontProxy, client("front-proxy-client", &[])),
        Wanted::DockerServer | Wanted::RegistryServer => {
            (Signer::Kubernetes, Profile { client: false, ..served(client(&node.name, &[]), node)? })
        }
        // In Kubernetes this user has no rights.
        Wanted::RegistryClient => (Signer::Kubernetes, client("jeroboam:registry", &[])),
    })
}

fn unusable(error: &FieldError) -> AgentError {
    AgentError::Internal(format!("certificate of an API server: {error}"))
}

fn client(common_name: &str, organizations: &[&str]) -> Profile {
    Profile {
        common_name: common_name.to_owned(),
        organizations: organizations.iter().map(|organization| (*organization).to_owned()).collect(),
        names: Vec::new(),
        addresses: Vec::new(),
        server: false,
        client: true,
        validity: VALIDITY,
    }
}

/// Adds the server usage, with the node's name and addresses.
fn served(profile: Profile, node: &Node) -> Result<Profile, AgentError> {
    let address = node
        .address
        .ok_or_else(|| AgentError::Unavailable(format!("the address of node {} is not known yet", node.name)))?;
    Ok(Profile {
        names: vec![node.name.clone(), "localhost".to_owned()],
        addresses: vec![address, IpAddr::V4(Ipv4Addr::LOCALHOST)],
        server: true,
        ..profile
    })
}

/// All names and addresses of an API server: for users and the conductor (any master's address, the cluster's API
/// address), for nodes, and for pods (the service `kubernetes`).
fn api_server(record: &ClusterRecord, node: &Node) -> Result<Profile, FieldError> {
    let labels = KubernetesLabels::read(&record.cluster.labels)?;
    let mut names: Vec<String> = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("kubernetes.default.svc.{DNS_DOMAIN}"), "localhost".to_owned(), node.name.clone()])
        .collect();
    let mut addresses: Vec<IpAddr> = node.address.into_iter().collect();
    addresses
        .extend(record.nodes.iter().filter(|other| other.role == NodeRole::Master).filter_map(|master| master.address));
    addresses.push(kubernetes_service_address(labels.service_cidr));
    addresses.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
    match record
        .cluster
        .api_address
        .as_deref()
        .and_then(|url| url::Url::parse(url).ok())
        .as_ref()
        .and_then(url::Url::host)
    {
        Some(url::Host::Domain(name)) => names.push(name.to_owned()),
        Some(url::Host::Ipv4(address)) => addresses.push(address.into()),
        Some(url::Host::Ipv6(address)) => addresses.push(address.into()),
        None => {}
    }
    // In order, without duplicates.
    let mut seen = std::collections::BTreeSet::new();
    addresses.retain(|address| seen.insert(*address));
    Ok(Profile { names, addresses, server: true, client: false, ..client("kube-apiserver", &[]) })
}
