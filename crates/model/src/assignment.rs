//! The agent's [`Assignment`], computed from a node's target and the cluster's nodes and secrets. Pure functions.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::Ipv4Net;
use jeroboam_types::agent::{Assignment, Peer, Proxy};

use crate::{Cluster, ClusterTemplate, FieldError, Node, NodeGroup, NodeRole, Target};

/// Port of the cluster registry: on the master that runs it, and as `localhost` on every node (contract workloads-2015,
/// row 71).
pub const REGISTRY_PORT: u16 = 5000;

/// Domain of a cluster's services.
pub const DNS_DOMAIN: &str = "cluster.local";

/// Index of the API server's address (the service `kubernetes`) in the service network: the first one.
const KUBERNETES_SERVICE: u32 = 1;

/// Index of the address of cluster DNS in the service network: the tenth, as with kubeadm.
const DNS_SERVICE: u32 = 10;

/// The existing secrets of a cluster. PEM, except the tokens.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClusterSecrets {
    /// Certificate of the cluster's CA (with Kubernetes that of the Kubernetes CA).
    pub ca: Option<String>,
    /// Certificate of the etcd CA.
    pub etcd_ca: Option<String>,
    /// Certificate of the front-proxy CA.
    pub front_proxy_ca: Option<String>,
    /// Key that signs tokens of service accounts. Secret.
    pub service_account_key: Option<String>,
    /// Its public half.
    pub service_account_public_key: Option<String>,
    /// Generation of the authorities.
    pub authorities: u64,
    /// Token to join the swarm as a manager. Secret.
    pub swarm_manager_token: Option<String>,
    /// Token to join the swarm as a worker. Secret.
    pub swarm_worker_token: Option<String>,
}

impl std::fmt::Debug for ClusterSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClusterSecrets(secret)")
    }
}

/// The data that the assignments of a cluster's nodes are computed from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Its node groups, for the labels and taints of their nodes.
    pub groups: &'a [NodeGroup],
    /// Its nodes, including those that are to be removed.
    pub nodes: &'a [Node],
    /// Its secrets.
    pub secrets: &'a ClusterSecrets,
    /// The cluster's revision when the rest was read, or an earlier one.
    pub revision: u64,
}

/// The assignment of one of the nodes. `None` while something that it needs is not known yet. A node that is to be
/// removed keeps getting assignments: it must run until it is drained.
///
/// # Errors
/// When the cluster's labels are invalid, or its version is missing. Both are checked when the cluster is created, so
/// this is rare.
pub fn build(source: &Source<'_>, node: &Node) -> Result<Option<Assignment>, FieldError> {
    let Some(address) = node.address else { return Ok(None) };
    let registry = match (node.target.registry_enabled, keeper(source)) {
        (true, None) => return Ok(None),
        (true, Some(keeper)) => Some(SocketAddr::new(keeper, REGISTRY_PORT)),
        (false, _) => None,
    };
    let engine = (source.cluster.engine.assign)(source, node, address)?;
    Ok(engine.map(|engine| Assignment {
        revision: source.revision,
        name: node.name.clone(),
        cluster: source.cluster.name.clone(),
        role: node.role,
        address,
        peers: source.peers(),
        authorities: source.secrets.authorities,
        attempt: node.attempt,
        insecure_registries: insecure_registries(&node.target),
        proxy: proxy(&node.target),
        container_volume: node.target.container_volume,
        registry,
        engine,
    }))
}

/// Port of the engine's API.
#[must_use]
pub fn api_port(template: &ClusterTemplate) -> u16 {
    template.apiserver_port.unwrap_or(template.engine.api_port)
}

/// What else listens on this port of a master, so that the engine's API cannot use it.
#[must_use]
pub fn taken(port: u16, template: &ClusterTemplate) -> Option<&'static str> {
    if port == REGISTRY_PORT && template.registry_enabled {
        return Some("the cluster's registry");
    }
    template.engine.master_ports.iter().find(|(ports, _)| ports.contains(&port)).map(|(_, what)| *what)
}

/// Address of the service `kubernetes`, through which pods access the API server.
#[must_use]
pub fn kubernetes_service_address(services: Ipv4Net) -> IpAddr {
    nth(services, KUBERNETES_SERVICE)
}

/// Address of the cluster's DNS service.
#[must_use]
pub fn dns_service_address(services: Ipv4Net) -> IpAddr {
    nth(services, DNS_SERVICE)
}

fn nth(network: Ipv4Net, number: u32) -> IpAddr {
    Ipv4Addr::from(u32::from(network.network()).wrapping_add(number)).into()
}

/// The wanted masters, by slot; the first one bootstraps the cluster.
#[must_use]
pub fn masters(nodes: &[Node]) -> Vec<&Node> {
    let mut masters: Vec<&Node> = nodes.iter().filter(|node| node.wanted && node.role == NodeRole::Master).collect();
    masters.sort_by_key(|node| node.slot);
    masters
}

impl Source<'_> {
    /// All nodes with an address, masters first, by slot. Includes nodes that are to be removed: their pods must stay
    /// reachable until they are drained.
    fn peers(&self) -> Vec<Peer> {
        let mut nodes: Vec<&Node> = self.nodes.iter().collect();
        nodes.sort_by_key(|node| (node.role == NodeRole::Worker, node.slot));
        nodes
            .into_iter()
            .filter_map(|node| Some(Peer { name: node.name.clone(), address: node.address?, role: node.role }))
            .collect()
    }
}

/// The address of the master that runs the cluster registry: the first one.
fn keeper(source: &Source<'_>) -> Option<IpAddr> {
    masters(source.nodes).first()?.address
}

fn insecure_registries(target: &Target) -> Vec<String> {
    // Clients on a node use the registry without TLS; the agent's proxy adds it.
    let own = target.registry_enabled.then(|| format!("localhost:{REGISTRY_PORT}"));
    own.into_iter().chain(listed(target.insecure_registries.as_deref())).collect()
}

fn proxy(target: &Target) -> Option<Proxy> {
    let proxy = Proxy {
        http: target.http_proxy.clone(),
        https: target.https_proxy.clone(),
        exceptions: listed(target.no_proxy.as_deref()).collect(),
    };
    (proxy.http.is_some() || proxy.https.is_some()).then_some(proxy)
}

/// The parts of a comma-separated list.
fn listed(text: Option<&str>) -> impl Iterator<Item = String> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned)
}

#[cfg(test)]
#[path = "assignment_tests.rs"]
mod tests;
