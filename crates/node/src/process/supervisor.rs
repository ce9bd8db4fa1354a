//! Supervision of processes.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use jeroboam_types::agent::{ComponentState, RESTART_WINDOW_SECONDS};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::log_file::LogFile;
use super::log_ring::LogRing;
use super::{Probe, Spec};
use crate::board::Board;
use crate::tools::back_off;

/// Interval of readiness probes. Short, as starting a cluster is a chain of such waits.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);

/// Back-off before an exited process is restarted.
const BACK_OFF: ExponentialBuilder = back_off(Duration::from_millis(250), LONGEST_PAUSE);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A process that ran this long counts as healthy: after its next exit the back-off starts at its minimum again.
const STABLE: Duration = Duration::from_secs(60);

/// A process that exited this often without ever becoming ready is reported as failed. It is still restarted, as a
/// missing dependency may appear.
const GIVE_UP: u32 = 6;

/// How often a process that is ready is asked whether it still answers.
const ALIVE_INTERVAL: Duration = Duration::from_secs(1);

/// After so many questions in a row without an answer it is reported as unresponsive. With the patience of each that is
/// within the 10 s in which everything that is wrong is to be seen.
const UNRESPONSIVE_AFTER: u32 = 2;

/// After so many it is killed and restarted: some 30 s, in which a machine that was only busy has answered once.
/// Counted in questions, so that a machine that was paused does not take its pause for theirs.
const KILL_AFTER: u32 = 8;

/// Time between SIGTERM and SIGKILL. Below Docker's 10 s for the whole container.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Maximum number of log lines in a report.
const TELLING_LINES: usize = 20;

/// How long to wait for the last output of an exited process: its own children may hold the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// All processes of the node.
#[derive(Debug)]
pub struct Supervisor {
    board: Arc<Board>,
    logs: PathBuf,
    running: Mutex<BTreeMap<&'static str, Running>>,
}

#[derive(Debug)]
struct Running {
    spec: Spec,
    ring: Arc<LogRing>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Supervisor {
    /// Creates a supervisor that reports to `board` and writes logs into the folder `logs`.
    pub fn new(board: Arc<Board>, logs: impl Into<PathBuf>) -> Self {
        Self { board, logs: logs.into(), running: Mutex::default() }
    }

    /// Ensures that this process runs with this spec: starts it, or restarts it if its spec has changed.
    pub async fn ensure(&self, spec: Spec, probe: Probe) {
        let name = spec.name;
        {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if running.get(name).is_some_and(|known| known.spec == spec && !known.task.is_finished()) {
                return;
            }
        }
        self.stop(name).await;
        let stop = CancellationToken::new();
        let ring: Arc<LogRing> = Arc::default();
        let keeper = Keeper {
            board: self.board.clone(),
            ring: ring.clone(),
            log: self.logs.join(format!("{name}.log")),
            spec: spec.clone(),
            probe,
            stop: stop.clone(),
        };
        // Set at once, so that the readiness of the previous process is not taken for that of the new one.
        self.board.component(name, |component| component.state = ComponentState::Starting);
        let task = tokio::spawn(keeper.run());
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(name, Running { spec, ring, stop, task });
    }

    /// Waits until a component is ready.
    pub async fn ready(&self, name: &str) {
        let is_up = |state: &crate::board::State| {
            state.components.iter().any(|c| c.name == name && c.state == ComponentState::Up)
        };
        // The board lives as long as the supervisor, so the wait only ends successfully.
        let _ = self.board.subscribe().wait_for(is_up).await;
    }

    /// Stops a process if it runs, and removes it.
    pub async fn stop(&self, name: &str) {
        let known = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        if let Some(Running { stop, task, .. }) = known {
            stop.cancel();
            let _ = task.await;
        }
    }

    /// Whether a process has logged a line with this text since its last start; only its newest lines are known.
    pub fn has_logged(&self, name: &str, text: &str) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(name).is_some_and(|known| known.ring.contains(text))
    }

    /// Stops all processes that are not in `names`.
    pub async fn keep_only(&self, names: &[&str]) {
        let surplus: Vec<&'static str> = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.keys().copied().filter(|name| !names.contains(name)).collect()
        };
        futures::future::join_all(surplus.into_iter().map(|name| self.stop(name))).await;
    }

    /// Stops all processes, in waves: all of the first, then all of the next. Processes in no wave are stopped last.
    pub async fn stop_all(&self, waves: &[&[&str]]) {
        for wave in waves {
            futures::future::join_all(wave.iter().map(|name| self.stop(name))).await;
        }
        self.keep_only(&[]).await;
    }
}

/// Keeps one process running.
struct Keeper {
    board: Arc<Board>,
    ring: Arc<LogRing>,
    log: PathBuf,
    spec: Spec,
    probe: Probe,
    stop: CancellationToken,
}

/// Number of unexpected exits of the process.
#[derive(Default)]
struct Ends {
    /// Since the supervisor started it.
    all: u32,
    /// Within [`RESTART_WINDOW_SECONDS`] and since the newest assignment.
    recent: VecDeque<Instant>,
    /// Consecutive exits before it was ready, since the newest assignment.
    before_ready: u32,
}

impl Ends {
    fn add(&mut self, ready: bool, assignment_begun: Instant) {
        let now = Instant::now();
        let counts = |at: &Instant| {
            *at >= assignment_begun && now.duration_since(*at) < Duration::from_secs(RESTART_WINDOW_SECONDS)
        };
        if self.recent.back().is_none_or(|last| *last < assignment_begun) {
            self.before_ready = 0;
        }
        self.recent.retain(counts);
        self.recent.push_back(now);
        self.all += 1;
        self.before_ready = if ready { 0 } else { self.before_ready + 1 };
    }
}

/// How a run of the process finished.
enum End {
    /// Stopped on request.
    Stopped,
    /// Exited unexpectedly.
    Ended { ready: bool, why: String },
}

impl Keeper {
    async fn run(self) {
        let mut pauses = BACK_OFF.build();
        let mut ends = Ends::default();
        loop {
            let started = Instant::now();
            match self.run_once().await {
                End::Stopped => return,
                End::Ended { ready, why } => {
                    ends.add(ready, self.board.begun_at());
                    if started.elapsed() >= STABLE {
                        pauses = BACK_OFF.build();
                    }
                    self.report_end(&ends, &why);
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)) => {}
            }
        }
    }

    async fn run_once(&self) -> End {
        self.ring.clear();
        let mut child = match self.spawn() {
            Ok(child) => child,
            Err(error) => {
                let program = self.spec.program.display();
                self.board.missing(self.spec.name, true);
                return End::Ended { ready: false, why: format!("cannot run {program}: {error}") };
            }
        };
        self.board.missing(self.spec.name, false);
        self.board.component(self.spec.name, |component| {
            component.state = ComponentState::Starting;
            component.version.clone_from(&self.spec.version);
            component.started_at.get_or_insert_with(jiff::Timestamp::now);
        });
        let readers = self.read_output(&mut child);
        let mut ready = false;
        let mut hung = false;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status,
                () = self.stop.cancelled() => {
                    self.end(&mut child).await;
                    return End::Stopped;
                }
                () = self.until_ready(), if !ready => {
                    ready = true;
                    self.board.up(self.spec.name);
                }
                () = self.until_hung(), if ready && !hung => {
                    hung = true;
                    kill_group(&child);
                }
            }
        };
        let _ = tokio::time::timeout(LAST_WORDS, futures::future::join_all(readers)).await;
        let why = match status {
            _ if hung => format!("killed: it did not answer {KILL_AFTER} times in a row"),
            Ok(status) => describe(status),
            Err(error) => format!("lost: {error}"),
        };
        End::Ended { ready, why }
    }

    fn spawn(&self) -> std::io::Result<Child> {
        self.spec.write_files()?;
        Command::new(&self.spec.program)
            .args(&self.spec.arguments)
            .envs(self.spec.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A separate process group, so that its children can be killed with it.
            .process_group(0)
            .spawn()
    }

    /// Copies standard output and error to the ring and to the log file.
    fn read_output(&self, child: &mut Child) -> Vec<JoinHandle<()>> {
        let file = LogFile::open(self.log.clone())
            .inspect_err(|error| tracing::warn!(%error, "no log file for {}", self.spec.name))
            .ok();
        let file = Arc::new(Mutex::new(file));
        let mut readers = Vec::new();
        if let Some(output) = child.stdout.take() {
            readers.push(tokio::spawn(copy_lines(output, self.ring.clone(), file.clone())));
        }
        if let Some(output) = child.stderr.take() {
            readers.push(tokio::spawn(copy_lines(output, self.ring.clone(), file)));
        }
        readers
    }

    async fn until_ready(&self) {
        while !self.probe.is_ready().await {
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }

    /// Asks again and again whether the process answers; ends when it has not for long.
    async fn until_hung(&self) {
        let mut unanswered = 0;
        while unanswered < KILL_AFTER {
            tokio::time::sleep(ALIVE_INTERVAL).await;
            if self.probe.is_alive().await {
                if unanswered >= UNRESPONSIVE_AFTER {
                    tracing::info!(component = self.spec.name, "answers again");
                    self.board.up(self.spec.name);
                }
                unanswered = 0;
                continue;
            }
            unanswered += 1;
            if unanswered == UNRESPONSIVE_AFTER {
                tracing::warn!(component = self.spec.name, "runs, but does not answer");
                let log = self.ring.telling(TELLING_LINES);
                self.board.component(self.spec.name, |component| {
                    component.state = ComponentState::Unresponsive;
                    component.log = log;
                });
            }
        }
    }

    async fn end(&self, child: &mut Child) {
        let Some(group) = group(child) else { return };
        // SIGTERM goes to the process itself only: it should stop its children in the right order.
        let _ = nix::sys::signal::kill(group, Signal::SIGTERM);
        if tokio::time::timeout(STOP_GRACE, child.wait()).await.is_err() {
            tracing::warn!("{} did not end within {STOP_GRACE:?}: killing it", self.spec.name);
            kill_group(child);
            let _ = child.wait().await;
        }
    }

    fn report_end(&self, ends: &Ends, why: &str) {
        let mut log = self.ring.telling(TELLING_LINES);
        if log.is_empty() {
            log.push(why.to_owned());
        }
        tracing::warn!(component = self.spec.name, why, last = log.last(), "exited unexpectedly");
        self.board.component(self.spec.name, |component| {
            component.restarts = ends.all;
            component.recent_restarts = ends.recent.len().try_into().unwrap_or(u32::MAX);
            component.state =
                if ends.before_ready >= GIVE_UP { ComponentState::Failed } else { ComponentState::BackOff };
            component.log = log;
        });
    }
}

/// The process, which is the first of its group.
fn group(child: &Child) -> Option<Pid> {
    child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw)
}

fn kill_group(child: &Child) {
    if let Some(group) = group(child) {
        let _ = killpg(group, Signal::SIGKILL);
    }
}

async fn copy_lines(output: impl AsyncRead + Unpin, ring: Arc<LogRing>, file: Arc<Mutex<Option<LogFile>>>) {
    let mut reader = BufReader::new(output);
    let mut line = Vec::new();
    // Bytes, not text: a component may write invalid UTF-8.
    while reader.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        ring.push(text);
        if let Some(file) = file.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            // A full disk must not stop the reading of the pipe: the component would block.
            let _ = file.line(text);
        }
        line.clear();
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => {
            Signal::try_from(signal).map_or_else(|_| format!("killed by signal {signal}"), |s| format!("killed by {s}"))
        }
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
#[path = "supervisor_tests.rs"]
mod tests;
