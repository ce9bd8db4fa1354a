//! What a node is told to be: from the cluster, its nodes and secrets to the agent's [`Assignment`]. Pure.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::Ipv4Net;
use jeroboam_types::agent::{
    Assignment, ControlPlaneAssignment, EngineAssignment, KubernetesAssignment, Peer, Proxy, SwarmAssignment,
    SwarmMembership,
};

use crate::labels::KubernetesLabels;
use crate::{Cluster, ClusterTemplate, EngineKind, FieldError, Node, NodeGroup, NodePhase, NodeRole};

/// Port of the Kubernetes API when the template does not say (Magnum's default).
pub const KUBERNETES_API_PORT: u16 = 6443;

/// Port of the Docker Engine's API over TLS when the template does not say (registered with IANA as `docker-s`).
pub const DOCKER_API_PORT: u16 = 2376;

/// Port through which managers of a swarm talk and through which others join (fixed by the Docker Engine).
pub const SWARM_PORT: u16 = 2377;

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
    /// Its template.
    pub template: &'a ClusterTemplate,
    /// Its node groups.
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
    let registry = match (source.template.registry_enabled, keeper(source)) {
        (true, None) => return Ok(None),
        (true, Some(keeper)) => Some(SocketAddr::new(keeper, REGISTRY_PORT)),
        (false, _) => None,
    };
    let group = source.groups.iter().find(|group| group.uuid == node.node_group);
    let engine = match source.cluster.engine {
        EngineKind::Kubernetes => {
            let labels = KubernetesLabels::read(&source.cluster.labels)?;
            let missing = || FieldError::new("engine_version", "must be known of a Kubernetes cluster");
            let version = source.cluster.engine_version.as_deref().ok_or_else(missing)?;
            kubernetes(source, node, address, version, &labels).map(Box::new).map(EngineAssignment::Kubernetes)
        }
        EngineKind::Swarm => swarm(source, node).map(EngineAssignment::Swarm),
    };
    Ok(engine.map(|engine| Assignment {
        revision: source.revision,
        name: node.name.clone(),
        cluster: source.cluster.name.clone(),
        role: node.role,
        address,
        peers: source.peers(),
        authorities: source.secrets.authorities,
        attempt: node.attempt,
        insecure_registries: insecure_registries(source.template),
        proxy: proxy(source.template),
        container_volume: group.and_then(|group| group.docker_volume_size),
        registry,
        engine,
    }))
}

/// Port of the engine's API.
#[must_use]
pub fn api_port(engine: EngineKind, template: &ClusterTemplate) -> u16 {
    template.apiserver_port.unwrap_or(match engine {
        EngineKind::Kubernetes => KUBERNETES_API_PORT,
        EngineKind::Swarm => DOCKER_API_PORT,
    })
}

/// What else listens at this port of a master, so that the engine's API cannot.
#[must_use]
pub fn taken(port: u16, template: &ClusterTemplate) -> Option<&'static str> {
    Some(match (template.engine, port) {
        (_, REGISTRY_PORT) if template.registry_enabled => "the cluster's registry",
        (EngineKind::Kubernetes, 2379..=2381) => "etcd",
        (EngineKind::Kubernetes, 10248 | 10250) => "the kubelet",
        (EngineKind::Kubernetes, 10249 | 10256) => "kube-proxy",
        (EngineKind::Kubernetes, 10257 | 10259) => "the control plane",
        (EngineKind::Swarm, SWARM_PORT | 7946) => "the swarm",
        _ => return None,
    })
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

fn insecure_registries(template: &ClusterTemplate) -> Vec<String> {
    // To themselves, nodes speak without TLS: the agent adds it on the way to the registry.
    let own = template.registry_enabled.then(|| format!("localhost:{REGISTRY_PORT}"));
    own.into_iter().chain(listed(template.insecure_registry.as_deref())).collect()
}

fn proxy(template: &ClusterTemplate) -> Option<Proxy> {
    let proxy = Proxy {
        http: template.http_proxy.clone(),
        https: template.https_proxy.clone(),
        exceptions: listed(template.no_proxy.as_deref()).collect(),
    };
    (proxy.http.is_some() || proxy.https.is_some()).then_some(proxy)
}

/// The parts of a list that is written with commas.
fn listed(text: Option<&str>) -> impl Iterator<Item = String> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned)
}

fn kubernetes(
    source: &Source<'_>,
    node: &Node,
    address: IpAddr,
    version: &str,
    labels: &KubernetesLabels,
) -> Option<KubernetesAssignment> {
    let secrets = source.secrets;
    let api_port = api_port(EngineKind::Kubernetes, source.template);
    let masters = masters(source.nodes);
    let (api_address, control_plane) = match node.role {
        // A master asks its own API server: that one does not go away as long as the node is there.
        NodeRole::Master => {
            // etcd forms only when every member knows how to reach all others.
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

fn swarm(source: &Source<'_>, node: &Node) -> Option<SwarmAssignment> {
    Some(SwarmAssignment {
        ca: source.secrets.ca.clone()?,
        api_port: api_port(EngineKind::Swarm, source.template),
        membership: membership(source, node),
    })
}

/// The first master founds the swarm; all others join through the masters. Once other masters carry the swarm, the
/// first one joins it too: it may be a new machine, and a second swarm must never be founded.
fn membership(source: &Source<'_>, node: &Node) -> Option<SwarmMembership> {
    let masters = masters(source.nodes);
    let others = masters.iter().copied().filter(|master| master.uuid != node.uuid);
    let through = |managers: Vec<&Node>| -> Vec<String> {
        managers
            .into_iter()
            .filter_map(|master| master.address)
            .map(|address| SocketAddr::new(address, SWARM_PORT).to_string())
            .collect()
    };
    let token = match node.role {
        NodeRole::Master => source.secrets.swarm_manager_token.clone(),
        NodeRole::Worker => source.secrets.swarm_worker_token.clone(),
    };
    let founder = masters.first().is_some_and(|master| master.uuid == node.uuid);
    let managers = if founder {
        through(others.filter(|master| master.phase() == Some(NodePhase::Up)).collect())
    } else {
        through(others.collect())
    };
    match token {
        Some(token) if !managers.is_empty() => Some(SwarmMembership::Join { token, managers }),
        _ if founder => Some(SwarmMembership::Init),
        _ => None,
    }
}

#[cfg(test)]
#[path = "assignment_tests.rs"]
mod tests;
