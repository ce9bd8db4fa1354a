//! The agent's run: from reading the bootstrap file until it is stopped.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backon::{BackoffBuilder as _, ExponentialBuilder, Retryable as _};
use jeroboam_types::agent::{Assignment, BOOTSTRAP_PATH, Bootstrap, EngineAssignment};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::board::Board;
use crate::fault::{Code, Fault};
use crate::home::{Home, Polled};
use crate::kubernetes;
use crate::process::Supervisor;
use crate::tools::{Tools, back_off};
use crate::{assignment, files, machine, renewal, reporting, swarm};

/// The agent's identity and its last assignment. On a volume, so that a restarted node continues with them.
const STATE: &str = "/var/lib/jeroboam/agent";

/// Log folder of the components.
const LOGS: &str = "/var/log/jeroboam";

/// Default log filter. The DNS server would log every query; watch errors are logged by our own code, if they persist.
const LOG_FILTER: &str = "info,hickory_server=warn,kube_runtime=error,kube_client=off";

/// Back-off between failed calls.
const BACK_OFF: ExponentialBuilder = back_off(Duration::from_millis(200), Duration::from_millis(2500));

/// The agent needs few threads: two are as good as one per core for waiting on processes and the network, and leave
/// more memory to the components.
const THREADS: usize = 2;

/// Runs the agent until it is stopped.
pub fn run() -> ExitCode {
    // Process 1 blocks signals for itself, and children inherit that: the agent and its components must receive them.
    let _ = nix::sys::signal::SigSet::all().thread_unblock();
    let filter = tracing_subscriber::EnvFilter::try_from_env("JEROBOAM_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(LOG_FILTER));
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .with_env_filter(filter)
        .finish()
        .with(tracing_subscriber::filter::filter_fn(jeroboam_types::log::is_harmless))
        .init();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .context("starting the runtime")
        .and_then(|runtime| runtime.block_on(agent()));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn agent() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let container = is_container();
    let (facts, prepared) =
        tokio::task::spawn_blocking(move || (machine::facts::detect(), machine::prepare::prepare(container))).await?;
    tracing::info!(?facts, container, "this machine");
    let board = Arc::new(Board::new(facts));
    let bootstrap = read_bootstrap(Path::new(BOOTSTRAP_PATH))?;
    // A real machine has its own identity.
    let prepared = match container {
        true => prepared.and_then(|()| machine::identity::take_on(Path::new("/"), bootstrap.node)),
        false => prepared,
    };
    let home = tokio::select! {
        home = Home::connect(&bootstrap, Path::new(STATE)) => home?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    if let Err(error) = prepared {
        // Reported but not fatal: a container that was set up by hand may not need this preparation.
        board.fault(&Fault::passing(Code::MachineUnfit, "machine", format!("{error:#}")));
        tracing::error!("{error:#}");
    }
    let supervisor = Arc::new(Supervisor::new(board.clone(), LOGS));
    let tools = Tools { board: board.clone(), supervisor: supervisor.clone(), home: home.clone(), container };
    let reporting = tokio::spawn(reporting::run(board.clone(), home.clone()));
    tokio::select! {
        () = follow(&tools, &home) => tracing::info!("this node no longer exists in the cluster"),
        _ = terminate.recv() => tracing::info!("received a signal to stop"),
        _ = interrupt.recv() => tracing::info!("received a signal to stop"),
        () = renewal::keep_own(&home) => {}
    }
    reporting.abort();
    supervisor.stop_all(&kubernetes::STOP_ORDER).await;
    Ok(())
}

/// Carries out assignments as they arrive, until the node is removed from the cluster.
async fn follow(tools: &Tools, home: &Home) {
    let path = PathBuf::from(STATE).join("assignment.json");
    let mut revision = 0;
    let mut current = None;
    let mut work = Work(None);
    // After a restart the node starts from its last assignment, even if the server does not answer.
    if let Some(known) = remembered(&path) {
        revision = known.revision;
        work.replace(tools, known.clone(), false);
        current = Some(known);
    }
    loop {
        let polled = (|| home.assignment(revision)).retry(BACK_OFF).notify(|error, _| tracing::warn!("{error}"));
        match polled.await {
            Ok(Polled::Assignment(assignment)) => {
                tracing::info!(revision = assignment.revision, name = assignment.name, "assignment");
                if let Err(error) = remember(&path, &assignment) {
                    tracing::warn!("the assignment cannot be saved: {error:#}");
                }
                revision = assignment.revision;
                let known = current.as_ref();
                if known.is_some_and(|known| assignment::means_the_same(known, &assignment)) {
                    tools.board.revision(revision);
                } else {
                    let is_another_try = known.is_some_and(|known| known.attempt != assignment.attempt);
                    work.replace(tools, (*assignment).clone(), is_another_try);
                }
                current = Some(*assignment);
            }
            Ok(Polled::Nothing) | Err(_) => {}
            Ok(Polled::Unwanted) => return,
        }
    }
}

/// The task that carries out the newest assignment. Processes outlive the task: the supervisor owns them.
struct Work(Option<JoinHandle<()>>);

impl Work {
    /// Replaces the current assignment; for a retry, all components are restarted.
    fn replace(&mut self, tools: &Tools, assignment: Assignment, is_another_try: bool) {
        let old = self.0.take();
        let tools = tools.clone();
        self.0 = Some(tokio::spawn(async move {
            if let Some(old) = old {
                // The old task must close its sockets before the new one opens them.
                old.abort();
                let _ = old.await;
            }
            if is_another_try {
                tools.supervisor.stop_all(&kubernetes::STOP_ORDER).await;
            }
            Box::pin(carry_out(&tools, &assignment)).await;
        }));
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Carries out one assignment: retries temporary failures, and gives up on permanent ones.
async fn carry_out(tools: &Tools, assignment: &Assignment) {
    for pause in BACK_OFF.build() {
        let done = match &assignment.engine {
            EngineAssignment::Kubernetes(kubernetes) => Box::pin(kubernetes::run(tools, assignment, kubernetes)).await,
            EngineAssignment::Swarm(swarm) => swarm::run(tools, assignment, swarm).await,
        };
        let Err(fault) = done else { return };
        tracing::error!(code = fault.problem.code, "{fault}");
        tools.board.fault(&fault);
        if fault.permanent {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}

/// Whether this is a container with our own [`machine::init`] as process 1.
fn is_container() -> bool {
    let init = std::fs::read_link("/proc/1/exe").ok();
    nix::unistd::getppid().as_raw() == 1 && init.is_some() && init == std::fs::read_link("/proc/self/exe").ok()
}

fn read_bootstrap(path: &Path) -> anyhow::Result<Bootstrap> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
}

fn remembered(path: &Path) -> Option<Assignment> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

/// Saves the assignment in a file that only root can read: it contains secrets.
fn remember(path: &Path, assignment: &Assignment) -> anyhow::Result<()> {
    Ok(files::write_private(path, &serde_json::to_string(assignment)?)?)
}
