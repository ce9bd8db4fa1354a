//! Wires the parts together, starts them in order of their dependencies, and stops them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jeroboam_api::{AppState, Readiness, Settings as ApiSettings};
use jeroboam_conductor::agents::Birth;
use jeroboam_conductor::engines::{AccessBook, Engines};
use jeroboam_conductor::lookout::Lookout;
use jeroboam_conductor::observe::Observer;
use jeroboam_conductor::simulated::Cloud;
use jeroboam_conductor::{Clock, Conductor, Settings as ConductorSettings};
use jeroboam_engine::Engine;
use jeroboam_engine::kubernetes::Kubernetes;
use jeroboam_engine::swarm::Swarm;
use jeroboam_identity::policy::PolicyBook;
use jeroboam_identity::{Embedded, Settings as IdentitySettings, keystone};
use jeroboam_infra::Infrastructure;
use jeroboam_infra::docker::{Docker, DockerConfig};
use jeroboam_model::{CauseExt, EngineKind, QuotaDefaults};
use jeroboam_notify::{Notifier, Settings as NotifySettings};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::data::DataDir;
use super::note::Note;
use super::{InfrastructureKind, POLICY_FILE, UpArgs, agents, database, log, seed};

/// How long the start waits for the first check that this database is the current one. Until that check the API
/// answers, but nothing is created or removed.
const FIRST_LOOK: Duration = Duration::from_secs(3);

/// Number of file descriptors that every system allows a process.
const DESCRIPTORS: u64 = 1024;

/// Runs the server until it is stopped (SIGINT, SIGTERM).
///
/// # Errors
/// When it cannot start: the data folder is in use, a file is damaged, the address is taken.
pub(crate) fn run(args: UpArgs) -> anyhow::Result<()> {
    log::start(args.log_json);
    let descriptors = raise_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    runtime.block_on(serve(args, descriptors))
}

/// Raises the soft limit on file descriptors to the hard limit, and returns it. Every connection takes one.
fn raise_descriptors() -> u64 {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return DESCRIPTORS };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(problem) => {
            warn!(%problem, soft, hard, "the number of file descriptors cannot be raised");
            soft
        }
    }
}

async fn serve(args: UpArgs, descriptors: u64) -> anyhow::Result<()> {
    let data = DataDir::open(&args.data)?;
    let policy = match &args.policy {
        Some(path) => PolicyBook::open(path, true),
        None => PolicyBook::open(&data.file(POLICY_FILE), false),
    }
    .context("reading the policy")?;
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!("listening on {}: another server may be using it; give another address with --listen", args.listen)
    })?;
    let public_url = format!("http://{}", listener.local_addr().context("reading our own address")?);
    let given = database::DatabaseUrl::given(args.database.clone(), args.database_file.as_deref())?;
    let is_own = given.is_none();
    let store = database::open(&data, &given.unwrap_or_else(|| database::DatabaseUrl::in_folder(&data))).await?;
    if is_own {
        // The folder's lock ensures that no other process uses this database. On a database server leases of a server
        // that has crashed expire.
        store.end_all_leases().await.context("taking over from the server before")?;
    }
    let note = Note::at(data.file("deployment"));
    let (deployment, instance) = store
        .start_instance(&host_name(), note.read()?.as_deref())
        .await
        .context("writing down that the server starts")?;
    let lifetime = jiff::SignedDuration::from_secs(args.token_seconds.into());
    let identity = IdentitySettings { token_lifetime: lifetime, public_url: public_url.clone() };
    let identity = Arc::new(Embedded::open(data.path(), identity).context("opening the embedded identity")?);
    let (project, user) = identity.administrator();
    seed::templates(&store, project, user, &args.flavors).await.context("making the first cluster templates")?;

    let clock = Clock::System;
    let (kubernetes, swarm) = (Kubernetes::new(), Swarm::new());
    let (infra, engines): (Arc<dyn Infrastructure>, Engines) = match args.infrastructure {
        InfrastructureKind::Docker if !args.simulated_fault.is_empty() => {
            bail!("--simulated-fault is for the simulated cloud: give --infrastructure simulated as well")
        }
        InfrastructureKind::Docker => (
            Arc::new(docker(&args, &deployment.id).await?),
            Engines::new([
                (EngineKind::KUBERNETES, Arc::new(kubernetes.clone()) as Arc<dyn Engine>),
                (EngineKind::SWARM, Arc::new(swarm.clone())),
            ]),
        ),
        InfrastructureKind::Simulated => {
            let cloud = Cloud::new(jeroboam_infra::simulated::Settings::default(), store.clone(), clock);
            args.simulated_fault.iter().for_each(|fault| cloud.infra.inject(fault.clone()));
            (Arc::new(cloud.infra), cloud.engines)
        }
    };

    let shutdown = CancellationToken::new();
    let tasks = TaskTracker::new();
    let birth = Birth::default();
    let readiness = Readiness::starting();
    let lookout = Lookout::new(store.clone(), infra.clone(), deployment.id, instance, host_name());
    if args.infrastructure == InfrastructureKind::Docker {
        tasks.spawn(note.keep(lookout.id(), shutdown.clone()));
    }
    let told = agents::Told { birth: birth.clone(), readiness: readiness.clone(), lookout: lookout.clone() };
    let most = jeroboam_api::agent::most_connections(descriptors);
    let agents = tasks.spawn(agents::serve(store.clone(), infra.clone(), told, most, shutdown.clone()));
    let accesses = AccessBook::new(store.clone());
    let observer = Observer::new(store.clone(), infra.clone(), engines.clone(), accesses.clone(), clock);
    let conductor = Conductor::new(
        store.clone(),
        infra.clone(),
        engines,
        accesses.clone(),
        birth,
        ConductorSettings {
            host: host_name(),
            keep_history: jiff::SignedDuration::from_hours(24 * i64::from(args.keep_history)),
            gate: lookout.gate(),
            ..ConductorSettings::default()
        },
        clock,
    );
    // So that the first requests are not refused for want of this check, if the infrastructure answers.
    let _ = tokio::time::timeout(FIRST_LOOK, lookout.first_look()).await;
    tasks.spawn(lookout.clone().watch(shutdown.clone()));
    tasks.spawn(conductor.run(shutdown.clone()));

    match notifications(&args)? {
        Some(settings) => {
            let notifier = Notifier::new(store.clone(), settings).await.context("switching notifications on")?;
            tasks.spawn(notifier.run(shutdown.clone()));
        }
        None => store.want_notifications(false).await.context("switching notifications off")?,
    }

    let settings = ApiSettings {
        public_url: public_url.clone(),
        quotas: QuotaDefaults {
            clusters: args.quota_clusters,
            worker_nodes: args.quota_nodes,
            master_nodes: args.quota_masters,
        },
        policy: policy.clone(),
        labels: args.label_rules.into(),
        manifest_networks: networks(&args.allow_manifests_from)?,
        readiness,
        ..ApiSettings::default()
    };
    let below = (infra, lookout, observer);
    let state = AppState::new(store, identity.clone(), accesses, below, (kubernetes, swarm), settings);
    let router = jeroboam_api::router(state, Some(keystone::router(identity)));
    tasks.spawn(policy.watch(shutdown.clone().cancelled_owned()));
    tasks.spawn(stop_on_signal(shutdown.clone()));
    info!(url = public_url, data = %data.path().display(), "the API listens");
    let most = jeroboam_api::most_connections(descriptors);
    let served = jeroboam_api::serve(listener, router, most, shutdown.clone()).await;
    shutdown.cancel();
    tasks.close();
    tasks.wait().await;
    agents.await.context("waiting for the agents' endpoint")??;
    served.context("serving the API")
}

/// Where notifications go, if anywhere.
fn notifications(args: &UpArgs) -> anyhow::Result<Option<NotifySettings>> {
    let Some(url) = &args.notifications_url else { return Ok(None) };
    Ok(Some(NotifySettings {
        // The URL is not repeated in the error: it contains a password.
        url: url.expose_secret().parse().map_err(|problem| anyhow::anyhow!("--notifications-url: {problem}"))?,
        exchange: args.notifications_exchange.clone(),
        durable: args.notifications_durable,
        host: host_name(),
    }))
}

async fn docker(args: &UpArgs, deployment: &str) -> anyhow::Result<Docker> {
    let agent_binary = match &args.agent {
        Some(path) => path.clone(),
        None => beside_us("jeroboam-node")?,
    };
    warn!(
        "tenants of the infrastructure docker are trusted like root on the host of the Docker Engine: nodes are containers \
         with its privileges (docs/security.md)"
    );
    let address = |ip| std::net::SocketAddr::new(ip, args.agent_port);
    let config = DockerConfig {
        host: args.docker_host.clone(),
        deployment: deployment.to_owned(),
        address_pool: args.address_pool.parse().with_context(|| {
            format!("--address-pool: '{}' is not an IPv4 network such as 10.89.0.0/16", args.address_pool)
        })?,
        agent_binary,
        agent_port: args.agent_port,
        agent_listen: args.agent_address.map(address),
        agent_reach: args.agent_address.map(address),
        flavors: if args.flavors.is_empty() { jeroboam_infra::flavor::usual() } else { args.flavors.clone() },
    };
    Docker::connect(config)
        .await
        .map_err(|cause| anyhow::anyhow!("{}. {}", cause.one_line(), cause.action))
        .context("setting up the docker infrastructure")
}

async fn stop_on_signal(shutdown: CancellationToken) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        warn!("signals cannot be received: end this process by force when it is to stop");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = shutdown.cancelled() => return,
    }
    info!("stopping; clusters keep running");
    shutdown.cancel();
}

/// Path of another of our programs, in the same folder as this one.
fn beside_us(name: &str) -> anyhow::Result<PathBuf> {
    let us = std::env::current_exe().context("finding out where this program is")?;
    let path = us.with_file_name(name);
    if !path.exists() {
        bail!("the agent {} is missing. Build it (make build), or say where it is with --agent", path.display());
    }
    Ok(path)
}

fn networks(texts: &[String]) -> anyhow::Result<Vec<ipnet::IpNet>> {
    texts
        .iter()
        .map(|text| {
            text.parse()
                .with_context(|| format!("--allow-manifests-from: '{text}' is not a network such as 10.0.0.0/8"))
        })
        .collect()
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "localhost".into(), |name| name.trim().into())
}
