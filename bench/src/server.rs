//! A server under measurement: a real `jeroboam up` with its own data folder and ports.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use jeroboam_client::config::Choice;
use jeroboam_client::environment::Environment;
use jeroboam_client::{Client, Config};

use crate::{Settings, machine};

/// Timeout for the first answer after a start.
const START: Duration = Duration::from_secs(30);
/// Timeout for a stop.
const STOP: Duration = Duration::from_secs(20);
/// Pause between two requests to a starting server: a fraction of the time that a start takes.
const TRY_AGAIN: Duration = Duration::from_millis(1);
/// Pause between two checks whether a server has stopped.
const LOOK: Duration = Duration::from_millis(20);
/// Number of log lines that are shown after a failure.
const LOG_LINES: usize = 15;

/// A server. When it is dropped, everything that it created at the Docker Engine is removed.
pub(crate) struct Server {
    program: PathBuf,
    arguments: &'static [&'static str],
    child: Option<Child>,
    dir: tempfile::TempDir,
    port: u16,
    agent_port: u16,
}

impl Server {
    /// Starts one on the Docker Engine.
    pub(crate) async fn on_docker(settings: &Settings) -> anyhow::Result<Self> {
        Self::start(settings, &["--infrastructure", "docker"]).await
    }

    /// Starts one with these arguments of `jeroboam up`, in addition to those for data and ports.
    pub(crate) async fn start(settings: &Settings, arguments: &'static [&'static str]) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("jeroboam-bench-")
            .tempdir_in(&settings.dir)
            .with_context(|| format!("making a folder in {}", settings.dir.display()))?;
        let program = settings.program.clone();
        let (port, agent_port) = (free_port()?, free_port()?);
        let mut server = Self { program, arguments, child: None, dir, port, agent_port };
        server.run().await?;
        Ok(server)
    }

    /// Starts the process; returns the time until the first answer with status 200.
    pub(crate) async fn run(&mut self) -> anyhow::Result<Duration> {
        let log = File::options().create(true).append(true).open(self.log()).context("opening the server's log")?;
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .timeout(START)
            .build()
            .context("making an HTTP client")?;
        let url = format!("http://127.0.0.1:{}/healthcheck", self.port);
        let mut command = Command::new(&self.program);
        command
            .arg("up")
            .args(self.arguments)
            .arg("--data")
            .arg(self.data())
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args(["--agent-port", &self.agent_port.to_string()])
            // The default log level of users, whatever the caller has set.
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("opening the server's log")?)
            .stderr(log);
        let begin = Instant::now();
        self.child = Some(command.spawn().with_context(|| format!("starting {}", self.program.display()))?);
        loop {
            if client.get(&url).send().await.is_ok_and(|response| response.status() == 200) {
                return Ok(begin.elapsed());
            }
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            if ended.is_some() || begin.elapsed() > START {
                bail!("the server does not answer. The end of its log:\n{}", self.log_tail());
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Stops the process as a service manager does.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        let begin = Instant::now();
        while child.try_wait().context("waiting for the server's end")?.is_none() {
            if told.as_ref().map_or(true, |status| !status.success()) || begin.elapsed() > STOP {
                child.kill().context("killing the server")?;
                child.wait().context("waiting for the server's end")?;
                bail!("the server did not stop within {} s after SIGTERM", STOP.as_secs());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// A client for the user demo.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let config = Config::load(&Surroundings(self.clouds()), &Choice::default()).context("reading clouds.yaml")?;
        Client::new(config).context("making a client")
    }

    /// The command line for the user demo.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("OS_CLIENT_CONFIG_FILE", self.clouds()).env("OS_CLOUD", "jeroboam").stdin(Stdio::null());
        command
    }

    /// The path of a file next to the data folder.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Memory of the process in MB: a field of `/proc/PID/status`.
    pub(crate) fn memory(&self, field: &str) -> anyhow::Result<f64> {
        let pid = self.child.as_ref().context("the server does not run")?.id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("reading the server's memory")?;
        machine::memory_of(&status, field).with_context(|| format!("/proc/{pid}/status has no {field}"))
    }

    /// Processor time of the process since its start.
    pub(crate) fn processor_time(&self) -> anyhow::Result<Duration> {
        let pid = self.child.as_ref().context("the server does not run")?.id();
        let stat =
            std::fs::read_to_string(format!("/proc/{pid}/stat")).context("reading the server's processor time")?;
        machine::processor_time(&stat).with_context(|| format!("/proc/{pid}/stat has no times"))
    }

    /// The end of the log.
    pub(crate) fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n")
    }

    /// The path of the database.
    pub(crate) fn database(&self) -> PathBuf {
        self.data().join("jeroboam.db")
    }

    /// The URL of the API.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn clouds(&self) -> PathBuf {
        self.data().join("clouds.yaml")
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("server.log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let Ok(deployment) = std::fs::read_to_string(self.data().join("deployment")) else { return };
        let filter = format!("label=org.jeroboam.deployment={}", deployment.trim());
        for (list, remove) in [
            (["ps", "-aq", "--filter", &filter].as_slice(), ["rm", "-fv"].as_slice()),
            (&["network", "ls", "-q", "--filter", &filter], &["network", "rm"]),
            (&["volume", "ls", "-q", "--filter", &filter], &["volume", "rm", "-f"]),
        ] {
            let Ok(found) = Command::new("docker").args(list).output() else { return };
            let found = String::from_utf8_lossy(&found.stdout);
            let ids: Vec<&str> = found.split_whitespace().collect();
            if !ids.is_empty() {
                let _ = Command::new("docker").args(remove).args(ids).output();
            }
        }
    }
}

/// The client's environment: this server's `clouds.yaml`, and nothing from the caller's environment.
struct Surroundings(PathBuf);

impl Environment for Surroundings {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "OS_CLIENT_CONFIG_FILE").then(|| self.0.display().to_string())
    }

    fn file(&self, path: &Path) -> std::io::Result<Option<String>> {
        if path == self.0 { std::fs::read_to_string(path).map(Some) } else { Ok(None) }
    }
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("looking for a free port")?;
    Ok(listener.local_addr().context("looking for a free port")?.port())
}
