//! The protocol between the agent `jeroboam-node` and the API.
//!
//! The agent always calls; the API never does. All calls are HTTPS to [`Bootstrap::server`]; all but `enroll` carry
//! the client certificate that `enroll` gave out (mutual TLS).
//!
//! | call | body | answer |
//! |---|---|---|
//! | `POST /agent/v1/enroll` | [`EnrollRequest`] | 200 [`EnrollResponse`]; 401 when the token is unknown, used or expired |
//! | `POST /agent/v1/renew` | [`RenewRequest`] | 200 [`EnrollResponse`], for the node that the client certificate names |
//! | `GET /agent/v1/assignment?after=REVISION` | | 200 [`Assignment`] as soon as there is one with a revision above REVISION (0 to begin with); 204 after at most [`LONG_POLL_SECONDS`]; 410 when the node is known no more: its agent stops everything |
//! | `POST /agent/v1/certificates` | [`CertificatesRequest`] | 200 [`CertificatesResponse`]; 403 names the profile that this node may not have |
//! | `POST /agent/v1/report` | [`Report`] | 204 |
//! | `POST /agent/v1/heartbeat` | [`Heartbeat`] | 204; 205 when the server has no report of this node and wants one |
//! | `GET /agent/v1/instances/UUID` | | 204 when the server with this id works with the same database as the one that is asked, 404 when not; for other servers, without a certificate |
//!
//! Every answer carries [`KNOWN_HEADER`] with a [`Known`]: how far the server's deployment has come. Agents keep the
//! highest and send it with every call. Old ones do not.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a long poll for a newer assignment may stay open, in seconds. Below the idle limits of usual proxies.
pub const LONG_POLL_SECONDS: u64 = 25;

/// How often an agent says that it lives, in seconds.
pub const HEARTBEAT_SECONDS: u64 = 2;

/// How often an agent reports when nothing changed, in seconds. Agents that know of no heartbeats say no more than this.
pub const REPORT_SECONDS: u64 = 10;

/// A node is silent when nothing was heard of it for as long as so many of its heartbeats are apart.
pub const MISSED_HEARTBEATS: u64 = 3;

/// Header with a [`Known`].
pub const KNOWN_HEADER: &str = "x-jeroboam-known";

/// Where servers are asked for others, before the other's id.
pub const INSTANCES_PATH: &str = "/agent/v1/instances";

/// How far a deployment has come, as its server says. Agents keep it for a server whose database may be an older one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Id of the deployment.
    pub deployment: String,
    /// Rises with every start of a server and every operation.
    pub number: i64,
    /// Proves to the server that one of its deployment said so.
    pub voucher: String,
}

impl Known {
    /// Whether this is what to keep, after `kept`: of one deployment the highest, and of two the one that answers now.
    #[must_use]
    pub fn replaces(&self, kept: &Self) -> bool {
        self.deployment != kept.deployment || self.number > kept.number
    }
}

impl std::fmt::Display for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.deployment, self.number, self.voucher)
    }
}

impl std::str::FromStr for Known {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = "not of the form 'DEPLOYMENT NUMBER VOUCHER'";
        let mut words = text.split(' ');
        let (Some(deployment), Some(number), Some(voucher), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(malformed);
        };
        let number = number.parse().map_err(|_| malformed)?;
        Ok(Self { deployment: deployment.to_owned(), number, voucher: voucher.to_owned() })
    }
}

/// Where the bootstrap file lies on a node.
pub const BOOTSTRAP_PATH: &str = "/etc/jeroboam/node.json";

/// What a machine is born with: enough to call home, once. Mode 0600 on the node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Base URL of the agent endpoint, for example `https://172.17.0.1:9512`.
    pub server: String,
    /// PEM of the authority that the endpoint's certificate must chain to.
    pub ca: String,
    /// One-time enrolment token. Worthless once used.
    pub token: String,
    /// The node that this machine is.
    pub node: Uuid,
}

/// Exchanges the one-time token for a client certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnrollRequest {
    /// The node that this machine claims to be.
    pub node: Uuid,
    /// [`Bootstrap::token`].
    pub token: String,
    /// PEM of a certificate signing request; only its public key is used.
    pub csr: String,
}

/// Asks for a new client certificate before the one that the call is made with ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RenewRequest {
    /// PEM of a certificate signing request; only its public key is used.
    pub csr: String,
}

/// The agent's identity from now on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnrollResponse {
    /// PEM of the client certificate for all further calls.
    pub certificate: String,
}

/// Asks for component certificates. The server decides subject, names and usages by the profile; the request gives
/// only the public key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificatesRequest {
    /// One entry per certificate wanted.
    pub requests: Vec<CertificateRequest>,
}

/// One certificate wanted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificateRequest {
    /// What the certificate is for.
    pub profile: CertificateProfile,
    /// PEM of the signing request.
    pub csr: String,
}

/// Signed certificates, in the order of the requests.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificatesResponse {
    /// PEM each.
    pub certificates: Vec<String>,
}

/// What a component's certificate is for. Subjects as kubeadm gives them (kubernetes.io, "PKI certificates and
/// requirements").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum CertificateProfile {
    /// Serving certificate of the API server: all its names and addresses. Kubernetes CA. Masters only.
    KubeApiserver,
    /// The API server's client certificate towards kubelets. Kubernetes CA. Masters only.
    KubeApiserverKubeletClient,
    /// `system:kube-controller-manager`. Kubernetes CA. Masters only.
    KubeControllerManager,
    /// `system:kube-scheduler`. Kubernetes CA. Masters only.
    KubeScheduler,
    /// `system:node:NAME` in `system:nodes`. Kubernetes CA.
    Kubelet,
    /// Serving certificate of the kubelet. Kubernetes CA.
    KubeletServer,
    /// `system:kube-proxy`. Kubernetes CA.
    KubeProxy,
    /// `jeroboam:node`: what the agent itself watches nodes, services and endpoints with. Kubernetes CA.
    NodeAgent,
    /// Serving certificate of etcd. etcd CA. Masters only.
    EtcdServer,
    /// Between etcd members, both ways. etcd CA. Masters only.
    EtcdPeer,
    /// The API server's client certificate towards etcd. etcd CA. Masters only.
    EtcdClient,
    /// The aggregator's client certificate. Front-proxy CA. Masters only.
    FrontProxyClient,
    /// Serving certificate of the Docker Engine. Cluster CA. Swarm only.
    DockerServer,
    /// Serving certificate of the cluster's registry. Cluster CA. Masters only.
    RegistryServer,
    /// What nodes reach the cluster's registry with. Cluster CA.
    RegistryClient,
}

/// What a node is to be. The agent brings it about and keeps it so; a newer revision replaces an older one whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Assignment {
    /// Grows with every change of this node's assignment.
    pub revision: u64,
    /// Unique name in the cluster, a valid DNS label: the host name, the Kubernetes node name.
    pub name: String,
    /// The cluster's name, for log lines and Swarm labels.
    pub cluster: String,
    /// Whether the node carries the control plane.
    pub role: NodeRole,
    /// The address under which other nodes reach this one.
    pub address: IpAddr,
    /// All nodes of the cluster that are known now, this one included, masters first, in a stable order.
    pub peers: Vec<Peer>,
    /// Which generation of the cluster's authorities this is; grows when they are rotated.
    #[serde(default)]
    pub authorities: u64,
    /// Grows when somebody wants the node tried once more: an agent that has given up begins anew.
    #[serde(default)]
    pub attempt: u64,
    /// Registries that may be spoken to without TLS (`host:port`).
    #[serde(default)]
    pub insecure_registries: Vec<String>,
    /// How the container runtime reaches the world outside, if not directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// Size of a volume for images and containers, in GiB. Without one they lie on the machine's own disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_volume: Option<u32>,
    /// Where the cluster's own registry is, if it has one: on the master that has this address. Every node reaches it
    /// as `localhost` with the same port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<SocketAddr>,
    /// What the engine needs.
    pub engine: EngineAssignment,
}

impl Assignment {
    /// PEM of the cluster's authority.
    #[must_use]
    pub fn authority(&self) -> &str {
        match &self.engine {
            EngineAssignment::Kubernetes(kubernetes) => &kubernetes.ca,
            EngineAssignment::Swarm(swarm) => &swarm.ca,
        }
    }
}

/// Proxies, as the environment variables of the same names have them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// For `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// For `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https: Option<String>,
    /// Hosts, domains and networks that are reached without. What belongs to the cluster is added to these.
    #[serde(default)]
    pub exceptions: Vec<String>,
}

/// Whether a node carries the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum NodeRole {
    /// Control plane (Kubernetes master, Swarm manager).
    Master,
    /// Workloads only.
    Worker,
}

/// Another node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// Its role.
    pub role: NodeRole,
}

/// The part of an assignment that depends on the engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "lowercase")]
pub enum EngineAssignment {
    /// A Kubernetes node.
    Kubernetes(Box<KubernetesAssignment>),
    /// A Docker Engine in swarm mode.
    Swarm(SwarmAssignment),
}

/// What a Kubernetes node needs besides its certificates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KubernetesAssignment {
    /// For example `v1.37.2`; the agent looks for `/opt/jeroboam/kubernetes/VERSION`.
    pub version: String,
    /// What kubelets and kube-proxies use to reach the API server, for example `https://172.18.0.2:6443`.
    pub api_server: String,
    /// Port that the API server listens on. Masters only use it.
    pub api_port: u16,
    /// Addresses of pods in the whole cluster, for example `10.100.0.0/16`.
    pub pod_cidr: String,
    /// Prefix length of each node's part of `pod_cidr`.
    pub node_prefix: u8,
    /// Addresses of services, for example `10.254.0.0/16`.
    pub service_cidr: String,
    /// The cluster DNS service's address, for example `10.254.0.10`.
    pub dns_address: IpAddr,
    /// Domain of the cluster, `cluster.local`.
    pub dns_domain: String,
    /// How pods reach pods of other nodes.
    pub pod_network: PodNetwork,
    /// How packets to services are led to pods.
    #[serde(default)]
    pub service_proxy: ServiceProxyMode,
    /// PEM of the Kubernetes CA.
    pub ca: String,
    /// Labels to register the node with.
    #[serde(default)]
    pub node_labels: BTreeMap<String, String>,
    /// Taints to register the node with.
    #[serde(default)]
    pub node_taints: Vec<Taint>,
    /// Only for masters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<ControlPlaneAssignment>,
}

/// A Kubernetes taint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Taint {
    /// Key.
    pub key: String,
    /// Value, may be empty.
    #[serde(default)]
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

/// How pods reach pods of other nodes (label `flannel_backend`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PodNetwork {
    /// A route per node through that node's address. Needs all nodes on one layer-2 network.
    HostGw,
    /// A VXLAN device over the nodes' network.
    Vxlan,
}

/// How kube-proxy leads packets to services' pods (label `kube_proxy_mode`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ServiceProxyMode {
    /// nftables; nodes without it fall back to iptables.
    #[default]
    Nftables,
    /// iptables everywhere.
    Iptables,
}

/// What a Kubernetes master needs besides.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ControlPlaneAssignment {
    /// PEM of the etcd CA.
    pub etcd_ca: String,
    /// PEM of the front-proxy CA.
    pub front_proxy_ca: String,
    /// PEM (PKCS#8) of the key that signs service account tokens; the same on all masters. Secret.
    pub service_account_key: String,
    /// PEM of its public half.
    pub service_account_public_key: String,
    /// The names of the masters that form etcd at its first start, in order. They are also in `peers`.
    pub etcd_members: Vec<String>,
}

/// What a Docker Engine in swarm mode needs besides its certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SwarmAssignment {
    /// PEM of the cluster CA, against which clients of the engine's API are checked.
    pub ca: String,
    /// Port of the engine's API (TLS only).
    pub api_port: u16,
    /// What to do with the swarm. Absent while it is not known yet: bring up the engine and wait for a newer revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<SwarmMembership>,
}

/// How a Docker Engine becomes part of the swarm. Nothing to do when it already is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum SwarmMembership {
    /// Found the swarm, then report [`SwarmTokens`].
    Init,
    /// Join it. Secret: the token.
    Join {
        /// Join token for this node's role.
        token: String,
        /// `address:port` of managers to join through.
        managers: Vec<String>,
    },
}

/// Seconds within which restarts of a component count together: one that ends now and then is no crash loop.
pub const RESTART_WINDOW_SECONDS: u64 = 600;

/// Says that the agent lives and that its last report still holds. Sent every [`HEARTBEAT_SECONDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// How far heartbeats of this agent are apart, in seconds.
    pub seconds: u64,
}

/// What an agent tells. Sent when something changed and every [`REPORT_SECONDS`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The assignment revision that this report is about; 0 before the first.
    pub revision: u64,
    /// [`Assignment::authorities`] with whose certificates all components run; 0 before there are any.
    #[serde(default)]
    pub authorities: u64,
    /// Where the node as a whole stands.
    pub phase: NodePhase,
    /// Every component that the assignment asks for.
    #[serde(default)]
    pub components: Vec<ComponentReport>,
    /// Why the node is `failed`, or what it is struggling with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// What the machine is like.
    pub facts: Facts,
    /// From the founder of a swarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swarm: Option<SwarmTokens>,
    /// From masters: what the engine says of the cluster's nodes, by their names. Absent while the agent does not know,
    /// because the engine does not answer; a node that is not in it is one that the engine does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_nodes: Option<BTreeMap<String, EngineNodeState>>,
}

/// What an engine says of one of its nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineNodeState {
    /// Whether it is up, as the engine sees it. One that takes no new work because somebody wants that so is ready.
    pub ready: bool,
    /// Why it is not. At most [`MAX_REASON`] bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Most bytes of [`EngineNodeState::reason`].
pub const MAX_REASON: usize = 200;

/// Most nodes of [`Report::engine_nodes`]: with all their reasons they fit in a report.
pub const MAX_ENGINE_NODES: usize = 500;

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum NodePhase {
    /// Components are coming up.
    Starting,
    /// All components run.
    Up,
    /// It will not come up without a change from outside; `problem` says why.
    Failed,
}

/// One supervised process (or part of the agent: `network`, `dns`, `images`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComponentReport {
    /// For example `kubelet`.
    pub name: String,
    /// Where it stands.
    pub state: ComponentState,
    /// Version, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How often it was started again after it had ended by itself, in all its life.
    pub restarts: u32,
    /// The same within the last [`RESTART_WINDOW_SECONDS`] and since the newest assignment.
    #[serde(default)]
    pub recent_restarts: u32,
    /// When it was started first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<jiff::Timestamp>,
    /// When it was ready first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<jiff::Timestamp>,
    /// Its last words that matter, when it is in trouble. Newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

/// Where a component stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ComponentState {
    /// Waits for something before it.
    Waiting,
    /// Started, not ready yet.
    Starting,
    /// Ready.
    Up,
    /// Was ready and runs, but does not answer any more.
    Unresponsive,
    /// Ended by itself; will be started again after a back-off.
    BackOff,
    /// Given up.
    Failed,
}

/// Something that keeps a node from being up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A [`Code`](crate::code::Code), for example `component_crashed`.
    pub code: String,
    /// One sentence: what was being done and what went wrong.
    pub message: String,
    /// The component it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The log lines that say why. Newest last, at most some twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

/// What the machine is like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Version of the agent.
    pub agent: String,
    /// Kernel release.
    pub kernel: String,
    /// 1 or 2.
    pub cgroup: u8,
    /// Whether the kernel has IPVS: without it a swarm has no virtual IPs and no routing mesh.
    pub ipvs: bool,
    /// Whether the kernel has VXLAN.
    pub vxlan: bool,
    /// Version of the container runtime, for example `containerd 1.6.20`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// Version of the engine on this node, for example `v1.37.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
}

/// The join tokens of a swarm. Secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwarmTokens {
    /// For managers.
    pub manager: String,
    /// For workers.
    pub worker: String,
}

impl std::fmt::Debug for SwarmTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SwarmTokens(secret)")
    }
}
