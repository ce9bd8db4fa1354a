//! `jeroboam up`: API, conductor, agent endpoint, identity and database in one process.

mod agents;
mod data;
mod database;
mod log;
mod note;
mod seed;
mod server;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use jeroboam_infra::flavor::Flavor;
use jeroboam_infra::simulated::Fault;
use jeroboam_model::labels::LabelRules;
use secrecy::SecretString;

use crate::cli::number;

use data::default_data_dir;
pub(crate) use server::run;

/// Arguments of `jeroboam up`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct UpArgs {
    /// Where the database, keys and clouds.yaml are kept.
    #[arg(long, env = "JEROBOAM_DATA", value_name = "DIR", default_value_os_t = default_data_dir())]
    pub(crate) data: PathBuf,

    /// Address that the API listens on.
    #[arg(long, env = "JEROBOAM_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9511")]
    pub(crate) listen: SocketAddr,

    /// Where machines come from.
    #[arg(long, env = "JEROBOAM_INFRASTRUCTURE", value_enum, default_value_t = InfrastructureKind::Docker)]
    pub(crate) infrastructure: InfrastructureKind,

    /// What goes wrong in the simulated cloud, for example ensure_machine:0:no-capacity: the call, how many of them are
    /// let through before, and how it fails.
    #[arg(long, value_name = "CALL:NTH:KIND", value_delimiter = ',')]
    pub(crate) simulated_fault: Vec<Fault>,

    /// The Docker Engine to use; the local socket when absent.
    #[arg(long, env = "DOCKER_HOST", value_name = "URL")]
    pub(crate) docker_host: Option<String>,

    /// The agent that is put on machines; by default `jeroboam-node` beside this program.
    #[arg(long, env = "JEROBOAM_AGENT", value_name = "FILE")]
    pub(crate) agent: Option<PathBuf>,

    /// Port of the agents' endpoint.
    #[arg(
        long,
        env = "JEROBOAM_AGENT_PORT",
        value_name = "PORT",
        default_value_t = 9512,
        value_parser = number::<u16>,
        allow_negative_numbers = true
    )]
    pub(crate) agent_port: u16,

    /// Address at which machines reach the agents' endpoint, when it cannot be found out.
    #[arg(long, env = "JEROBOAM_AGENT_ADDRESS", value_name = "ADDRESS")]
    pub(crate) agent_address: Option<IpAddr>,

    /// Addresses of clusters' networks on the docker infrastructure; each cluster takes a /24 of it.
    #[arg(long, env = "JEROBOAM_ADDRESS_POOL", value_name = "CIDR", default_value = "10.89.0.0/16")]
    pub(crate) address_pool: String,

    /// How large nodes can be on the docker infrastructure, instead of m1.tiny to m1.xlarge.
    #[arg(long, env = "JEROBOAM_FLAVORS", value_name = "NAME=PROCESSORS:MIB", value_delimiter = ',')]
    pub(crate) flavors: Vec<Flavor>,

    /// Which labels of templates, clusters and node groups are accepted.
    #[arg(long, env = "JEROBOAM_LABEL_RULES", value_enum, default_value_t = LabelRulesKind::Magnum)]
    pub(crate) label_rules: LabelRulesKind,

    /// Who may do what: a policy.yaml in the language of oslo.policy. By default the one in the data folder, if there
    /// is one. It is read again when it changes.
    #[arg(long, env = "JEROBOAM_POLICY", value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    /// Most clusters of a project that has no quota of its own.
    #[arg(
        long,
        env = "JEROBOAM_QUOTA_CLUSTERS",
        value_name = "NUMBER",
        default_value_t = 20,
        value_parser = number::<u32>,
        allow_negative_numbers = true
    )]
    pub(crate) quota_clusters: u32,

    /// Most nodes (masters not counted) of a project that has no quota of its own; any number when absent.
    #[arg(
        long,
        env = "JEROBOAM_QUOTA_NODES",
        value_name = "NUMBER",
        value_parser = number::<u32>,
        allow_negative_numbers = true
    )]
    pub(crate) quota_nodes: Option<u32>,

    /// Most masters of a project that has no quota of its own; any number when absent.
    #[arg(
        long,
        env = "JEROBOAM_QUOTA_MASTERS",
        value_name = "NUMBER",
        value_parser = number::<u32>,
        allow_negative_numbers = true
    )]
    pub(crate) quota_masters: Option<u32>,

    /// Days for which operations and issued certificates of clusters that were deleted are kept. That a cluster was
    /// deleted stays known for 30 days at least.
    #[arg(
        long,
        env = "JEROBOAM_KEEP_HISTORY",
        value_name = "DAYS",
        default_value_t = 90,
        value_parser = number::<u32>,
        allow_negative_numbers = true
    )]
    pub(crate) keep_history: u32,

    /// Networks from which manifests may be fetched although they are internal.
    #[arg(long, env = "JEROBOAM_ALLOW_MANIFESTS_FROM", value_name = "CIDR", value_delimiter = ',')]
    pub(crate) allow_manifests_from: Vec<String>,

    /// How long tokens of the embedded identity are valid, in seconds.
    #[arg(
        long,
        env = "JEROBOAM_TOKEN_SECONDS",
        value_name = "SECONDS",
        default_value_t = 8 * 3600,
        value_parser = number::<u32>,
        allow_negative_numbers = true
    )]
    pub(crate) token_seconds: u32,

    /// The message bus that is told about operations, as amqp://USER:PASSWORD@HOST:PORT/VHOST (amqps with TLS). Give it
    /// by the environment variable: everybody on this machine sees arguments.
    #[arg(long, env = "JEROBOAM_NOTIFICATIONS_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) notifications_url: Option<SecretString>,

    /// Exchange on the message bus.
    #[arg(long, env = "JEROBOAM_NOTIFICATIONS_EXCHANGE", value_name = "NAME", default_value = "magnum")]
    pub(crate) notifications_exchange: String,

    /// Make exchange and queues that outlive a restart of the bus, as clouds with `amqp_durable_queues` have them.
    #[arg(long, env = "JEROBOAM_NOTIFICATIONS_DURABLE")]
    pub(crate) notifications_durable: bool,

    /// Write the log as JSON.
    #[arg(long, env = "JEROBOAM_LOG_JSON")]
    pub(crate) log_json: bool,
}

/// The policy file in the data folder.
pub(crate) const POLICY_FILE: &str = "policy.yaml";

/// Where machines come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum InfrastructureKind {
    /// Containers of a Docker Engine.
    Docker,
    /// Nothing real: for trying out scale and faults.
    Simulated,
}

/// Which labels are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LabelRulesKind {
    /// Those that do something, and no others.
    Strict,
    /// Also those that Magnum knows, without effect.
    Magnum,
    /// All, as Magnum does: for templates with labels of somebody's own.
    Any,
}

impl From<LabelRulesKind> for LabelRules {
    fn from(kind: LabelRulesKind) -> Self {
        match kind {
            LabelRulesKind::Strict => Self::Strict,
            LabelRulesKind::Magnum => Self::Magnum,
            LabelRulesKind::Any => Self::Any,
        }
    }
}
