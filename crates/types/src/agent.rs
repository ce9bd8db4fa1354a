//! The protocol between the agent `jeroboam-node` and the API.
//!
//! The agent always opens the connection; the API never does. All calls are HTTPS to [`Bootstrap::server`]; all but
//! `enroll` use the client certificate that `enroll` returned (mutual TLS).
//!
//! | call | body | answer |
//! |---|---|---|
//! | `POST /agent/v1/enroll` | [`EnrollRequest`] | 200 [`EnrollResponse`]; 401 when the token is unknown, used or expired |
//! | `POST /agent/v1/renew` | [`RenewRequest`] | 200 [`EnrollResponse`], for the node that the client certificate names |
//! | `GET /agent/v1/assignment?after=REVISION` | | 200 [`Assignment`] as soon as there is one with a revision above REVISION (0 at first); 204 after at most [`LONG_POLL_SECONDS`]; 410 when the node no longer exists: its agent stops everything |
//! | `POST /agent/v1/certificates` | [`CertificatesRequest`] | 200 [`CertificatesResponse`]; 403 names the profile that is not allowed for this node |
//! | `POST /agent/v1/report` | [`Report`] | 204 |
//! | `POST /agent/v1/heartbeat` | [`Heartbeat`] | 204; 205 when the server has no report of this node and needs one |
//! | `GET /agent/v1/instances/UUID` | | 204 when the server with this id uses the same database as the one that is asked, 404 when not; for other servers, without a certificate |
//!
//! Every response carries [`KNOWN_HEADER`] with a [`Known`]: the progress of the server's deployment. Agents keep the
//! highest value and send it with every call. Older agents do not.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Maximum duration of a long poll for a newer assignment, in seconds. Below the idle timeouts of usual proxies.
pub const LONG_POLL_SECONDS: u64 = 25;

/// Interval of an agent's heartbeats, in seconds.
pub const HEARTBEAT_SECONDS: u64 = 2;

/// Interval of an agent's reports when nothing has changed, in seconds. Agents without heartbeats send only these.
pub const REPORT_SECONDS: u64 = 10;

/// A node is silent after this number of missed heartbeats.
pub const MISSED_HEARTBEATS: u64 = 3;

/// Header with a [`Known`].
pub const KNOWN_HEADER: &str = "x-jeroboam-known";

/// Path at which one server asks another whether it uses the same database, before that server's instance id.
pub const INSTANCES_PATH: &str = "/agent/v1/instances";

/// The progress of a deployment, as reported by its server. Agents keep it to detect a server with an older database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Id of the deployment.
    pub deployment: String,
    /// Increases with every start of a server and every operation.
    pub number: i64,
    /// Authenticates this value to servers of the deployment: one of them issued it.
    pub voucher: String,
}

impl Known {
    /// Whether this replaces `kept`: the higher one of the same deployment, and always one of another deployment.
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

/// Path of the bootstrap file on a node.
pub const BOOTSTRAP_PATH: &str = "/etc/jeroboam/node.json";

/// Initial configuration of a machine: enough to enrol once. Mode 0600 on the node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Base URL of the agent endpoint, for example `https://172.17.0.1:9512`.
    pub server: String,
    /// PEM of the CA that the endpoint's certificate must chain to.
    pub ca: String,
    /// One-time enrolment token. Void once used.
    pub token: String,
    /// Id of the node on this machine.
    pub node: Uuid,
}

/// Exchanges the one-time token for a client certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnrollRequest {
    /// Id of the node that the caller claims to be.
    pub node: Uuid,
    /// [`Bootstrap::token`].
    pub token: String,
    /// PEM of a certificate signing request; only its public key is used.
    pub csr: String,
}

/// Requests a new client certificate before the one that authenticates the call expires.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RenewRequest {
    /// PEM of a certificate signing request; only its public key is used.
    pub csr: String,
}

/// The agent's new identity.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnrollResponse {
    /// PEM of the client certificate for all further calls.
    pub certificate: String,
}

/// Requests component certificates. The server determines subject, names and usages by the profile; the request only
/// supplies the public key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificatesRequest {
    /// One entry per certificate.
    pub requests: Vec<CertificateRequest>,
}

/// A request for one certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificateRequest {
    /// Profile of the certificate.
    pub profile: CertificateProfile,
    /// PEM of the certificate signing request.
    pub csr: String,
}

/// Signed certificates, in the order of the requests.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificatesResponse {
    /// Certificates in PEM.
    pub certificates: Vec<String>,
}

/// Purpose of a component's certificate. Subjects are those of kubeadm (kubernetes.io, "PKI certificates and
/// requirements").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum CertificateProfile {
    /// Serving certificate of the API server: all its names and addresses. Kubernetes CA. Masters only.
    KubeApiserver,
    /// The API server's client certificate for kubelets. Kubernetes CA. Masters only.
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
    /// `jeroboam:node`: used by the agent to watch nodes, services and endpoints. Kubernetes CA.
    NodeAgent,
    /// Serving certificate of etcd. etcd CA. Masters only.
    EtcdServer,
    /// Used between etcd members, as server and client. etcd CA. Masters only.
    EtcdPeer,
    /// The API server's client certificate for etcd. etcd CA. Masters only.
    EtcdClient,
    /// The aggregator's client certificate. Front-proxy CA. Masters only.
    FrontProxyClient,
    /// Serving certificate of the Docker Engine. Cluster CA. Swarm only.
    DockerServer,
    /// Serving certificate of the cluster's registry. Cluster CA. Masters only.
    RegistryServer,
    /// Client certificate of nodes for the cluster's registry. Cluster CA.
    RegistryClient,
}

/// The desired state of a node. The agent establishes and maintains it; a newer revision replaces the whole assignment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Assignment {
    /// Increases with every change of this node's assignment.
    pub revision: u64,
    /// Unique name in the cluster, a valid DNS label: the host name, the Kubernetes node name.
    pub name: String,
    /// The cluster's name, for log lines and Swarm labels.
    pub cluster: String,
    /// Whether the node runs the control plane.
    pub role: NodeRole,
    /// The address at which other nodes reach this one.
    pub address: IpAddr,
    /// All currently known nodes of the cluster, this one included, masters first, in a stable order.
    pub peers: Vec<Peer>,
    /// Generation of the cluster's CAs; increases when they are rotated.
    #[serde(default)]
    pub authorities: u64,
    /// Increases when a retry of the node is requested: an agent that has given up starts again.
    #[serde(default)]
    pub attempt: u64,
    /// Registries that are accessed without TLS (`host:port`).
    #[serde(default)]
    pub insecure_registries: Vec<String>,
    /// Proxies of the container runtime, if it has no direct internet access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// Size of a volume for images and containers, in GiB. Without it, they are stored on the machine's own disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_volume: Option<u32>,
    /// Port of the cluster's own registry, if it has one: on the master that has this address. Every node reaches it as
    /// `localhost` with the same port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<SocketAddr>,
    /// The part for the engine.
    pub engine: EngineAssignment,
}

impl Assignment {
    /// PEM of the cluster's CA.
    #[must_use]
    pub fn authority(&self) -> &str {
        match &self.engine {
            EngineAssignment::Kubernetes(kubernetes) => &kubernetes.ca,
            EngineAssignment::Swarm(swarm) => &swarm.ca,
        }
    }
}

/// Proxies, in the format of the environment variables of the same names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// Proxy for `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// Proxy for `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https: Option<String>,
    /// Hosts, domains and networks that are reached without a proxy. Those of the cluster are added.
    #[serde(default)]
    pub exceptions: Vec<String>,
}

/// Role of a node.
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
    /// Name of the node.
    pub name: String,
    /// Address of the node.
    pub address: IpAddr,
    /// Role of the node.
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

/// What a Kubernetes node needs in addition to its certificates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KubernetesAssignment {
    /// For example `v1.37.2`; the agent looks for `/opt/jeroboam/kubernetes/VERSION`.
    pub version: String,
    /// URL of the API server for kubelets and kube-proxies, for example `https://172.18.0.2:6443`.
    pub api_server: String,
    /// Port that the API server listens on. Used by masters only.
    pub api_port: u16,
    /// Address range of pods in the whole cluster, for example `10.100.0.0/16`.
    pub pod_cidr: String,
    /// Prefix length of each node's part of `pod_cidr`.
    pub node_prefix: u8,
    /// Address range of services, for example `10.254.0.0/16`.
    pub service_cidr: String,
    /// The cluster DNS service's address, for example `10.254.0.10`.
    pub dns_address: IpAddr,
    /// Domain of the cluster, `cluster.local`.
    pub dns_domain: String,
    /// How pods reach pods on other nodes.
    pub pod_network: PodNetwork,
    /// How packets to services are forwarded to pods.
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
    /// Settings of the control plane, for masters only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<ControlPlaneAssignment>,
}

/// A Kubernetes taint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Taint {
    /// Key of the taint.
    pub key: String,
    /// Value of the taint; may be empty.
    #[serde(default)]
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

/// How pods reach pods on other nodes (label `flannel_backend`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PodNetwork {
    /// One route per node, via that node's address. All nodes must be on one layer-2 network.
    HostGw,
    /// A VXLAN device over the nodes' network.
    Vxlan,
}

/// How kube-proxy forwards packets to services' pods (label `kube_proxy_mode`).
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

/// Additional settings of a Kubernetes master.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ControlPlaneAssignment {
    /// PEM of the etcd CA.
    pub etcd_ca: String,
    /// PEM of the front-proxy CA.
    pub front_proxy_ca: String,
    /// PEM (PKCS#8) of the key that signs service account tokens; the same on all masters. Secret.
    pub service_account_key: String,
    /// PEM of the public key of `service_account_key`.
    pub service_account_public_key: String,
    /// The names of the masters that form etcd at its first start, in order. They are also in `peers`.
    pub etcd_members: Vec<String>,
}

/// What a Docker Engine in swarm mode needs in addition to its certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SwarmAssignment {
    /// PEM of the cluster CA, which verifies the certificates of the engine's API clients.
    pub ca: String,
    /// Port of the engine's API (TLS only).
    pub api_port: u16,
    /// How to become part of the swarm. Absent while not yet known: start the engine and wait for a newer revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<SwarmMembership>,
}

/// How a Docker Engine becomes part of the swarm. Nothing to do when it already is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum SwarmMembership {
    /// Initialize the swarm, then report [`SwarmTokens`].
    Init,
    /// Join the swarm. The token is secret.
    Join {
        /// Join token for this node's role.
        token: String,
        /// `address:port` of managers to join through.
        managers: Vec<String>,
    },
}

/// Time window in which a component's restarts are counted together, in seconds: occasional exits are no crash loop.
pub const RESTART_WINDOW_SECONDS: u64 = 600;

/// Reports that the agent is alive and that its last report still holds. Sent every [`HEARTBEAT_SECONDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Interval of this agent's heartbeats, in seconds.
    pub seconds: u64,
}

/// State of a node, as its agent reports it. Sent on every change and every [`REPORT_SECONDS`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The assignment revision that this report is about; 0 before the first.
    pub revision: u64,
    /// [`Assignment::authorities`] of the certificates that all components run with; 0 before there are any.
    #[serde(default)]
    pub authorities: u64,
    /// State of the node as a whole.
    pub phase: NodePhase,
    /// All components of the assignment.
    #[serde(default)]
    pub components: Vec<ComponentReport>,
    /// Why the node is `failed`, or the problem that it currently has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// Properties of the machine.
    pub facts: Facts,
    /// Join tokens, reported by the node that initialized the swarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swarm: Option<SwarmTokens>,
    /// From masters: the state of the cluster's nodes as the engine reports it, by name. Absent while the engine does
    /// not answer. A node that is missing here is unknown to the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_nodes: Option<BTreeMap<String, EngineNodeState>>,
}

/// State of a node as the engine reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineNodeState {
    /// Whether the engine considers the node ready. A cordoned or drained node is ready.
    pub ready: bool,
    /// Why it is not ready. At most [`MAX_REASON`] bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Maximum length of [`EngineNodeState::reason`], in bytes.
pub const MAX_REASON: usize = 200;

/// Maximum number of [`Report::engine_nodes`]: with all their reasons they fit in a report.
pub const MAX_ENGINE_NODES: usize = 500;

/// State of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum NodePhase {
    /// Components are starting.
    Starting,
    /// All components run.
    Up,
    /// It will not come up without a change from outside; `problem` gives the reason.
    Failed,
}

/// One supervised process (or part of the agent: `network`, `dns`, `images`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComponentReport {
    /// For example `kubelet`.
    pub name: String,
    /// State of the component.
    pub state: ComponentState,
    /// Version, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Number of restarts after unexpected exits, since the component exists.
    pub restarts: u32,
    /// Number of such restarts within the last [`RESTART_WINDOW_SECONDS`] and since the newest assignment.
    #[serde(default)]
    pub recent_restarts: u32,
    /// Time of the first start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<jiff::Timestamp>,
    /// When it first became ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<jiff::Timestamp>,
    /// Relevant log lines of a component with a problem. Newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

/// State of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ComponentState {
    /// Waits for a dependency.
    Waiting,
    /// Started, not ready yet.
    Starting,
    /// Ready.
    Up,
    /// Was ready and runs, but does not answer any more.
    Unresponsive,
    /// Exited unexpectedly; will be restarted after a back-off.
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
    /// The component that has the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Log lines that show the reason. Newest last, at most about twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

/// Properties of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Version of the agent.
    pub agent: String,
    /// Kernel release.
    pub kernel: String,
    /// Version of cgroups: 1 or 2.
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
    /// Token for managers.
    pub manager: String,
    /// Token for workers.
    pub worker: String,
}

impl std::fmt::Debug for SwarmTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SwarmTokens(secret)")
    }
}
