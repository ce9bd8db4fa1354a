//! What a node is told to be: from its target, the cluster's nodes and secrets to the agent's [`Assignment`]. Pure.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::Ipv4Net;
use jeroboam_types::agent::{Assignment, Peer, Proxy};

use crate::{Cluster, ClusterTemplate, FieldError, Node, NodeGroup, NodeRole, Target};

/// Port of the cluster's own registry: on the master that keeps it, and as `localhost` on every node (contract
/// workloads-2015, row 71).
pub const REGISTRY_PORT: u16 = 5000;

/// Domain of a cluster's services.
pub const DNS_DOMAIN: &str = "cluster.local";

/// Which address of the services' network the API server takes for the service `kubernetes`: its first.
const KUBERNETES_SERVICE: u32 = 1;

/// Which address of the services' network cluster DNS gets: the tenth, as everywhere (kubeadm does the same).
const DNS_SERVICE: u32 = 10;

/// Secrets of a cluster, as far as there are any. PEM, but for the tokens.
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
    /// Which generation of authorities these are.
    pub authorities: u64,
    /// With this one joins the swarm as a manager. Secret.
    pub swarm_manager_token: Option<String>,
    /// With this one joins the swarm as a worker. Secret.
    pub swarm_worker_token: Option<String>,
}

impl std::fmt::Debug for ClusterSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClusterSecrets(secret)")
    }
}

/// Everything that assignments of a cluster's nodes are made of.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Its node groups, for the labels and taints of their nodes.
    pub groups: &'a [NodeGroup],
    /// Its nodes, those that are to go included.
    pub nodes: &'a [Node],
    /// Its secrets.
    pub secrets: &'a ClusterSecrets,
    /// The cluster's revision at the time when all the rest was read, or before.
    pub revision: u64,
}

/// The assignment of one of the nodes. `None` while something that it needs is not known yet. A node that is to go
/// keeps getting assignments: it has to run on until it is drained.
///
/// # Errors
/// When the cluster's labels make no sense, or its version is missing. Both are seen to when the cluster is made, so this
/// is rare.
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

/// What else listens at this port of a master, so that the engine's API cannot.
#[must_use]
pub fn taken(port: u16, template: &ClusterTemplate) -> Option<&'static str> {
    if port == REGISTRY_PORT && template.registry_enabled {
        return Some("the cluster's registry");
    }
    template.engine.master_ports.iter().find(|(ports, _)| ports.contains(&port)).map(|(_, what)| *what)
}

/// Address of the service `kubernetes`, under which pods reach the API server.
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

/// The masters that are wanted, by slot: the first is the one that founds things.
#[must_use]
pub fn masters(nodes: &[Node]) -> Vec<&Node> {
    let mut masters: Vec<&Node> = nodes.iter().filter(|node| node.wanted && node.role == NodeRole::Master).collect();
    masters.sort_by_key(|node| node.slot);
    masters
}

impl Source<'_> {
    /// All nodes with an address, masters first, by slot. Those that are to go too: until they are drained, their
    /// pods must be reached.
    fn peers(&self) -> Vec<Peer> {
        let mut nodes: Vec<&Node> = self.nodes.iter().collect();
        nodes.sort_by_key(|node| (node.role == NodeRole::Worker, node.slot));
        nodes
            .into_iter()
            .filter_map(|node| Some(Peer { name: node.name.clone(), address: node.address?, role: node.role }))
            .collect()
    }
}

/// The address of the master that keeps the cluster's registry: the first one.
fn keeper(source: &Source<'_>) -> Option<IpAddr> {
    masters(source.nodes).first()?.address
}

fn insecure_registries(target: &Target) -> Vec<String> {
    // To themselves, nodes speak without TLS: the agent adds it on the way to the registry.
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

/// The parts of a list that is written with commas.
fn listed(text: Option<&str>) -> impl Iterator<Item = String> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned)
}

#[cfg(test)]
#[path = "assignment_tests.rs"]
mod tests;
