//! The user's command line. One file per noun, with its arguments and its commands.

mod argv;
mod certificate;
mod cluster;
mod cluster_change;
mod cluster_config;
mod cluster_template;
mod cluster_view;
mod container;
mod db;
mod deployment;
mod engine_version;
mod failure;
#[cfg(test)]
mod fake;
mod history;
mod kubeconfig;
mod kubectl;
mod label;
mod mservice;
mod node_group;
mod number;
mod operation;
mod orphan;
mod output;
mod patch;
mod plan;
mod policy;
mod private_file;
mod progress;
mod quota;
mod spelling;
mod stats;
mod style;
mod table;
mod topology;
mod watch;
mod why;
mod workload;

use std::process::ExitCode;

use clap::{FromArgMatches, Parser, Subcommand};
use jeroboam_client::config::Choice;
use jeroboam_client::environment::Process;
use jeroboam_client::{Client, Config};

use crate::up::UpArgs;
use failure::{EXIT_CODES, Failure};
pub(crate) use number::number;
use output::{Format, Printer};
use spelling::{Spelling, command};

/// Containers as a service: Kubernetes and Swarm clusters with one command.
#[derive(Debug, Parser)]
#[command(
    name = "jeroboam",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Examples:
  jeroboam up                      start a server on this machine
  jeroboam baymodel list           what kinds of clusters there are
  jeroboam bay create demo --baymodel kubernetes --node-count 2
  jeroboam bay config demo --merge && kubectl get nodes

`bay` and `cluster` are the same, and so are `baymodel` and `cluster-template`.
Every command also goes with a hyphen: `jeroboam bay-create`.
Exit codes: `jeroboam help exit-codes`."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,

    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
struct Global {
    /// Cloud from clouds.yaml; by default the server on this machine [env: OS_CLOUD].
    // The client reads the variable, not clap: clap would show an option with a variable as required in its usage
    // lines.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    os_cloud: Option<String>,

    /// Key for safe retries in scripts: what is created with the same key within 24 hours is created only once.
    #[arg(long, global = true, value_name = "KEY", hide_short_help = true, help_heading = "Global options")]
    idempotency_key: Option<String>,

    /// Output format.
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_default_value = true,
        help_heading = "Global options"
    )]
    output: Format,

    /// When to use colours.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_default_value = true,
        help_heading = "Global options"
    )]
    color: Color,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a server on this machine: API, conductor, identity and database in one process.
    #[command(after_help = "Examples:
  jeroboam up
  jeroboam up --data /srv/jeroboam --listen 0.0.0.0:9511")]
    Up(Box<UpArgs>),
    /// Clusters, under Magnum's original name.
    #[command(subcommand, alias = "bays")]
    Bay(cluster::ClusterCommand),
    /// Clusters.
    #[command(subcommand, alias = "clusters")]
    Cluster(cluster::ClusterCommand),
    /// Cluster templates, under Magnum's original name.
    #[command(subcommand, alias = "baymodels")]
    Baymodel(cluster_template::TemplateCommand),
    /// Cluster templates.
    #[command(subcommand, aliases = ["clustertemplate", "cluster-templates"])]
    ClusterTemplate(cluster_template::TemplateCommand),
    /// Node groups of a cluster.
    #[command(subcommand, aliases = ["node-group", "nodegroups"])]
    Nodegroup(node_group::NodeGroupCommand),
    /// Labels of clusters: the known ones, and those in effect.
    #[command(subcommand, alias = "labels")]
    Label(label::LabelCommand),
    /// Engine versions that clusters can run.
    #[command(subcommand, alias = "versions")]
    Version(engine_version::VersionCommand),
    /// Operations on clusters, running and finished.
    #[command(subcommand, alias = "operations")]
    Operation(operation::OperationCommand),
    /// Past operations on clusters, also deleted ones: who requested them, and how they ended.
    #[command(after_help = "Examples:\n  jeroboam history\n  jeroboam history demo\n  jeroboam history demo -o json")]
    History(history::HistoryArgs),
    /// Pods of a Kubernetes cluster.
    #[command(subcommand, alias = "pods")]
    Pod(workload::WorkloadCommand),
    /// Services of a Kubernetes cluster.
    #[command(subcommand, alias = "services")]
    Service(workload::WorkloadCommand),
    /// Replication controllers of a Kubernetes cluster.
    #[command(subcommand, alias = "rcs")]
    Rc(workload::WorkloadCommand),
    /// Containers of a Swarm cluster.
    #[command(subcommand, alias = "containers")]
    Container(container::ContainerCommand),
    /// The certificate authority (CA) of a cluster.
    #[command(subcommand)]
    Ca(certificate::CertificateCommand),
    /// Quotas of projects.
    #[command(subcommand, alias = "quotas")]
    Quota(quota::QuotaCommand),
    /// How many clusters and nodes there are.
    #[command(after_help = "Examples:\n  jeroboam stats\n  jeroboam stats --project demo -o json")]
    Stats(stats::StatsCommand),
    /// The server's conductors, which carry out the operations.
    #[command(subcommand, alias = "mservices")]
    Mservice(mservice::MserviceCommand),
    /// Whether the server's database is current: outdated ones and copies are held.
    #[command(subcommand)]
    Deployment(deployment::DeploymentCommand),
    /// Clusters that have machines, disks or networks but are not in the database.
    #[command(subcommand, alias = "orphans")]
    Orphan(orphan::OrphanCommand),
    /// The schema of the server's database: its version, and upgrades.
    #[command(subcommand)]
    Db(db::DbCommand),
    /// Check the policy file on this machine: who may do what.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Print a script that completes commands in your shell.
    #[command(after_help = "Examples:
  jeroboam completion bash > /etc/bash_completion.d/jeroboam
  source <(jeroboam completion bash)
  jeroboam completion fish > ~/.config/fish/completions/jeroboam.fish")]
    Completion {
        /// Shell to complete commands in.
        shell: clap_complete::Shell,
    },
    /// What the exit codes mean.
    #[command(long_about = format!("What the exit codes mean:\n\n{EXIT_CODES}"))]
    ExitCodes,
}

/// What commands need to run.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) out: Printer,
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    let arguments = argv::rewrite(&command(), std::env::args_os().collect());
    let parsed = command().try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        // Help and version are also reported as errors here, with exit code 0.
        Err(error) => error.exit(),
    };
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let Cli { global, command } = cli;
    let command = match command {
        Command::Up(arguments) => return crate::up::run(*arguments).map_err(Failure::Start),
        Command::Completion { shell } => return completion(shell),
        Command::ExitCodes => return output::say(EXIT_CODES),
        Command::Policy(command) => return command.run(Printer { format: global.output }),
        other => other,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Command::Db(command) = command {
        return runtime.block_on(command.run());
    }
    runtime.block_on(async {
        let choice = Choice { cloud: global.os_cloud, data_folder: None };
        let client = Client::new(Config::load(&Process, &choice)?)?;
        let client = match &global.idempotency_key {
            Some(key) => client.with_idempotency_key(key)?,
            None => client,
        };
        let context = Context { client, out: Printer { format: global.output } };
        Box::pin(command.run(&context)).await
    })
}

impl Command {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Bay(command) => command.run(context, Spelling::First).await,
            Self::Cluster(command) => command.run(context, Spelling::Today).await,
            Self::Baymodel(command) => command.run(context, Spelling::First).await,
            Self::ClusterTemplate(command) => command.run(context, Spelling::Today).await,
            Self::Nodegroup(command) => command.run(context).await,
            Self::Label(command) => command.run(context).await,
            Self::Version(command) => command.run(context).await,
            Self::Operation(command) => command.run(context).await,
            Self::History(arguments) => arguments.run(context).await,
            Self::Pod(command) => command.run::<jeroboam_types::v1::Pod>(context, "pod").await,
            Self::Service(command) => command.run::<jeroboam_types::v1::Service>(context, "service").await,
            Self::Rc(command) => command.run::<jeroboam_types::v1::ReplicationController>(context, "rc").await,
            Self::Container(command) => command.run(context).await,
            Self::Ca(command) => command.run(context).await,
            Self::Quota(command) => command.run(context).await,
            Self::Stats(command) => command.run(context).await,
            Self::Mservice(command) => command.run(context).await,
            Self::Deployment(command) => command.run(context).await,
            Self::Orphan(command) => command.run(context).await,
            Self::Up(_) | Self::Db(_) | Self::Policy(_) | Self::Completion { .. } | Self::ExitCodes => Ok(()),
        }
    }
}

fn completion(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "jeroboam", &mut script);
    output::raw(&String::from_utf8_lossy(&script))
}

#[cfg(test)]
#[path = "help_tests.rs"]
mod tests;
