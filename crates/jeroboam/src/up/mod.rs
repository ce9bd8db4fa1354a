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

pub(crate) use data::DataDir;
use data::default_data_dir;
pub(crate) use database::DatabaseUrl;
pub(crate) use server::run;

/// Arguments of `jeroboam up`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct UpArgs {
    /// Data folder: the database, keys and clouds.yaml.
    #[arg(long, env = "JEROBOAM_DATA", value_name = "DIR", default_value_os_t = default_data_dir())]
    pub(crate) data: PathBuf,

    /// Database server to use instead of the file in the data folder: postgresql://USER:PASSWORD@HOST/DATABASE, or
    /// mysql:// for MariaDB and MySQL, which are experimental. Set the environment variable or use --database-file
    /// instead of the option: everybody on this machine can see arguments.
    #[arg(long, env = "JEROBOAM_DATABASE", value_name = "URL", hide_env_values = true)]
    pub(crate) database: Option<SecretString>,

    /// File that contains the URL of the database server.
    #[arg(long, env = "JEROBOAM_DATABASE_FILE", value_name = "FILE", conflicts_with = "database")]
    pub(crate) database_file: Option<PathBuf>,

    /// Address that the API listens on.
    #[arg(long, env = "JEROBOAM_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9511")]
    pub(crate) listen: SocketAddr,

    /// Infrastructure that provides the machines.
    #[arg(long, env = "JEROBOAM_INFRASTRUCTURE", value_enum, default_value_t = InfrastructureKind::Docker)]
    pub(crate) infrastructure: InfrastructureKind,

    /// Faults to inject into the simulated cloud, for example ensure_machine:0:no-capacity: the call, how many of these
    /// calls succeed first, and the kind of failure.
    #[arg(long, value_name = "CALL:NTH:KIND", value_delimiter = ',')]
    pub(crate) simulated_fault: Vec<Fault>,

    /// Docker Engine to use; by default the local socket.
    #[arg(long, env = "DOCKER_HOST", value_name = "URL")]
    pub(crate) docker_host: Option<String>,

    /// Agent to install on machines; by default `jeroboam-node` beside this program.
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

    /// Address at which machines reach the agents' endpoint; determined automatically by default.
    #[arg(long, env = "JEROBOAM_AGENT_ADDRESS", value_name = "ADDRESS")]
    pub(crate) agent_address: Option<IpAddr>,

    /// Address pool for clusters' networks on the docker infrastructure; each cluster takes a /24 of it.
    #[arg(long, env = "JEROBOAM_ADDRESS_POOL", value_name = "CIDR", default_value = "10.89.0.0/16")]
    pub(crate) address_pool: String,

    /// Flavors of the docker infrastructure, instead of m1.tiny to m1.xlarge.
    #[arg(long, env = "JEROBOAM_FLAVORS", value_name = "NAME=PROCESSORS:MIB", value_delimiter = ',')]
    pub(crate) flavors: Vec<Flavor>,

    /// Labels of templates, clusters and node groups that are accepted.
    #[arg(long, env = "JEROBOAM_LABEL_RULES", value_enum, default_value_t = LabelRulesKind::Magnum)]
    pub(crate) label_rules: LabelRulesKind,

    /// Policy file (policy.yaml in the language of oslo.policy). By default the one in the data folder, if there is
    /// one. It is reloaded when it changes.
    #[arg(long, env = "JEROBOAM_POLICY", value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    /// Maximum number of clusters for a project without a quota of its own.
    #[arg(
        long,
        env = "JEROBOAM_QUOTA_CLUSTERS",
        value_name = "NUMBER",
        default_value_t = 20,
        value_parser = number::<u32>,
        allow_negative_numbers = true
    )]
    pub(crate) quota_clusters: u32,

    /// Maximum number of nodes (masters not counted) for a project without a quota of its own; unlimited by default.
    #[arg(
        long,
        env = "JEROBOAM_QUOTA_NODES",
        value_name = "NUMBER",
        value_parser = number::<u32>,
        allow_negative_numbers = true
    )]
    pub(crate) quota_nodes: Option<u32>,

    /// Maximum number of masters for a project without a quota of its own; unlimited by default.
    #[arg(
        long,
        env = "JEROBOAM_QUOTA_MASTERS",
        value_name = "NUMBER",
        value_parser = number::<u32>,
        allow_negative_numbers = true
    )]
    pub(crate) quota_masters: Option<u32>,

    /// Days to keep finished operations and issued certificates. For existing clusters, valid certificates and the
    /// operation that set the status are kept longer. The record that a cluster was deleted is kept for at least 30
    /// days.
    #[arg(
        long,
        env = "JEROBOAM_KEEP_HISTORY",
        value_name = "DAYS",
        default_value_t = 90,
        value_parser = number::<u32>,
        allow_negative_numbers = true
    )]
    pub(crate) keep_history: u32,

    /// Internal networks from which manifests may be fetched.
    #[arg(long, env = "JEROBOAM_ALLOW_MANIFESTS_FROM", value_name = "CIDR", value_delimiter = ',')]
    pub(crate) allow_manifests_from: Vec<String>,

    /// Lifetime of tokens of the embedded identity, in seconds.
    #[arg(
        long,
        env = "JEROBOAM_TOKEN_SECONDS",
        value_name = "SECONDS",
        default_value_t = 8 * 3600,
        value_parser = number::<u32>,
        allow_negative_numbers = true
    )]
    pub(crate) token_seconds: u32,

    /// Message bus to notify about operations, as amqp://USER:PASSWORD@HOST:PORT/VHOST (amqps with TLS). Set the
    /// environment variable instead of the option: everybody on this machine can see arguments.
    #[arg(long, env = "JEROBOAM_NOTIFICATIONS_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) notifications_url: Option<SecretString>,

    /// Exchange on the message bus for notifications.
    #[arg(long, env = "JEROBOAM_NOTIFICATIONS_EXCHANGE", value_name = "NAME", default_value = "magnum")]
    pub(crate) notifications_exchange: String,

    /// Declare a durable exchange and durable queues, as clouds with `amqp_durable_queues` have them.
    #[arg(long, env = "JEROBOAM_NOTIFICATIONS_DURABLE")]
    pub(crate) notifications_durable: bool,

    /// Write the log as JSON.
    #[arg(long, env = "JEROBOAM_LOG_JSON")]
    pub(crate) log_json: bool,
}

/// The policy file in the data folder.
pub(crate) const POLICY_FILE: &str = "policy.yaml";

/// Infrastructure that provides the machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum InfrastructureKind {
    /// Containers of a Docker Engine.
    Docker,
    /// No real machines: for testing scale and faults.
    Simulated,
}

/// Which labels are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LabelRulesKind {
    /// Only labels that have an effect.
    Strict,
    /// Also labels that Magnum knows and that have no effect here.
    Magnum,
    /// Any label, as Magnum does: for templates with custom labels.
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
