//! `jeroboam up`: API, conductor, agent endpoint, identity and database in one process.

mod data;
mod seed;
mod server;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

pub(crate) use data::default_data_dir;
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

    /// The Docker Engine to use; the local socket when absent.
    #[arg(long, env = "DOCKER_HOST", value_name = "URL")]
    pub(crate) docker_host: Option<String>,

    /// The agent that is put on machines; by default `jeroboam-node` beside this program.
    #[arg(long, env = "JEROBOAM_AGENT", value_name = "FILE")]
    pub(crate) agent: Option<PathBuf>,

    /// Port of the agents' endpoint.
    #[arg(long, env = "JEROBOAM_AGENT_PORT", value_name = "PORT", default_value_t = 9512)]
    pub(crate) agent_port: u16,

    /// Address at which machines reach the agents' endpoint, when it cannot be found out.
    #[arg(long, env = "JEROBOAM_AGENT_ADDRESS", value_name = "ADDRESS")]
    pub(crate) agent_address: Option<IpAddr>,

    /// Addresses of clusters' networks on the docker infrastructure; each cluster takes a /24 of it.
    #[arg(long, env = "JEROBOAM_ADDRESS_POOL", value_name = "CIDR", default_value = "10.89.0.0/16")]
    pub(crate) address_pool: String,

    /// Networks from which manifests may be fetched although they are internal.
    #[arg(long, env = "JEROBOAM_ALLOW_MANIFESTS_FROM", value_name = "CIDR", value_delimiter = ',')]
    pub(crate) allow_manifests_from: Vec<String>,

    /// How long tokens of the embedded identity are valid, in seconds.
    #[arg(long, env = "JEROBOAM_TOKEN_SECONDS", value_name = "SECONDS", default_value_t = 8 * 3600)]
    pub(crate) token_seconds: u32,

    /// Write the log as JSON.
    #[arg(long, env = "JEROBOAM_LOG_JSON")]
    pub(crate) log_json: bool,
}

/// Where machines come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum InfrastructureKind {
    /// Containers of a Docker Engine.
    Docker,
    /// Nothing real: for trying out scale and faults.
    Simulated,
}
