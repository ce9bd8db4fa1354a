//! A separate server for each test, and the command line to use it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Answer, LOOK, binary, docker_output, eventually, marked};

/// Timeout for the first answer after a start.
const START: Duration = Duration::from_secs(30);

/// Timeout for the creation or deletion of a simulated cluster.
const PATIENCE: Duration = Duration::from_secs(60);

/// Options for the start of a server, where it differs from the default.
#[derive(Debug, Default)]
pub struct Setup {
    /// Further arguments of `jeroboam up`.
    pub arguments: Vec<String>,
    /// The data folder, if not a new one.
    pub data: Option<PathBuf>,
    /// The value of DOCKER_HOST, if not the default.
    pub docker_host: Option<String>,
    /// Program and first arguments to run instead of the built `jeroboam`, for example a wrapper of it.
    pub program: Option<Vec<String>>,
}

/// A server with its own data folder. When it is dropped, everything that it created at the Docker Engine is removed.
pub struct Server {
    child: Option<Child>,
    dir: tempfile::TempDir,
    port: u16,
    agent_port: u16,
    setup: Setup,
}

impl Server {
    /// Starts one on the local Docker Engine.
    #[must_use]
    pub fn start() -> Self {
        Self::set_up(Setup::default())
    }

    /// Starts one with further arguments.
    #[must_use]
    pub fn with(arguments: &[&str]) -> Self {
        Self::set_up(Setup { arguments: arguments.iter().map(|arg| (*arg).to_owned()).collect(), ..Setup::default() })
    }

    /// Starts one on the simulated cloud, for tests that do not need real clusters.
    #[must_use]
    pub fn simulated() -> Self {
        Self::with(&["--infrastructure", "simulated"])
    }

    /// Starts one with these options.
    #[must_use]
    pub fn set_up(setup: Setup) -> Self {
        let mut server = Self::new(setup);
        server.restart();
        server
    }

    /// Starts one that will not become ready, and does not wait for it.
    #[must_use]
    pub fn unready(setup: Setup) -> Self {
        let mut server = Self::new(setup);
        server.spawn();
        server
    }

    fn new(setup: Setup) -> Self {
        let dir = tempfile::Builder::new().prefix("jeroboam-test-").tempdir().unwrap();
        Self { child: None, dir, port: free_port(20_000), agent_port: free_port(10_000), setup }
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.setup.data.clone().unwrap_or_else(|| self.dir.path().join("data"))
    }

    /// The path of a file next to the data folder, for use by the test.
    #[must_use]
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Base URL of the API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Port of the agents' endpoint.
    #[must_use]
    pub fn agent_port(&self) -> u16 {
        self.agent_port
    }

    /// Starts the server again and waits until it is ready. It must not be running.
    pub fn restart(&mut self) {
        self.spawn();
        let started = Instant::now();
        while self.http_status("/healthcheck") != Some(200) {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the server exited: {}", self.log_tail());
            assert!(started.elapsed() < START, "the server does not answer: {}", self.log_tail());
            sleep(LOOK);
        }
    }

    fn spawn(&mut self) {
        assert!(self.child.is_none(), "it is already running");
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let usual = || vec![binary("jeroboam").display().to_string()];
        let program = self.setup.program.clone().unwrap_or_else(usual);
        let mut command = Command::new(&program[0]);
        command.args(&program[1..]);
        command
            .args(["up", "--data"])
            .arg(self.data())
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args(["--agent-port", &self.agent_port.to_string()])
            .args(&self.setup.arguments)
            .env("RUST_LOG", "info,jeroboam_conductor=debug")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if let Some(host) = &self.setup.docker_host {
            command.env("DOCKER_HOST", host);
        }
        self.child = Some(command.spawn().expect("the binaries are built by `cargo build --workspace`"));
    }

    /// Kills the server as `kill -9` does.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Process id of the server.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Runs a command line, for example `&["bay", "list"]`, as the user demo.
    #[must_use]
    pub fn cli(&self, args: &[&str]) -> Answer {
        self.cli_as("jeroboam", args)
    }

    /// Runs a command line as another cloud of clouds.yaml.
    #[must_use]
    pub fn cli_as(&self, cloud: &str, args: &[&str]) -> Answer {
        let output = self.command(cloud, args).output().unwrap();
        Answer::new(&format!("jeroboam {}", args.join(" ")), &output)
    }

    /// Starts a command line as the user demo, without waiting for its exit.
    #[must_use]
    pub fn begin(&self, args: &[&str]) -> Child {
        self.command("jeroboam", args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn command(&self, cloud: &str, args: &[&str]) -> Command {
        let mut command = Command::new(binary("jeroboam"));
        command
            .args(args)
            .env("OS_CLIENT_CONFIG_FILE", self.data().join("clouds.yaml"))
            .env("OS_CLOUD", cloud)
            .env("NO_COLOR", "1")
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command line that must succeed; returns its standard output.
    pub fn ok(&self, args: &[&str]) -> String {
        let answer = self.cli(args);
        assert_eq!(answer.code, 0, "{answer:?}\nserver: {}", self.log_tail());
        answer.out
    }

    /// Runs a command line that must succeed, with `-o json`; returns the value.
    pub fn json(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.extend(["-o", "json"]);
        let text = self.ok(&all);
        serde_json::from_str(&text).unwrap_or_else(|problem| panic!("{args:?}: {problem}: {text}"))
    }

    /// Creates a cluster and waits until it is complete.
    pub fn create(&self, kind: &str, name: &str, workers: u32) {
        let workers = workers.to_string();
        self.ok(&["bay", "create", name, "--baymodel", kind, "--node-count", &workers, "--watch"]);
    }

    /// Waits until a cluster has a status and its health is known: before that the health differs from run to run.
    pub fn settle(&self, cluster: &str, status: &str) {
        eventually(&format!("{cluster} is {status} and well"), PATIENCE, || {
            let shown = self.json(&["cluster", "show", cluster]);
            let nodes = shown["node_count"].as_u64()? + shown["master_count"].as_u64()?;
            let ready = shown["health_status_reason"].as_object()?.keys().filter(|key| key.ends_with(".Ready")).count();
            let is_well = shown["health_status"] == "HEALTHY" && ready as u64 == nodes;
            (shown["status"] == status && is_well).then_some(())
        });
    }

    /// Waits until a cluster has a status.
    pub fn reach(&self, cluster: &str, status: &str) {
        eventually(&format!("{cluster} is {status}"), PATIENCE, || {
            (self.json(&["cluster", "show", cluster])["status"] == status).then_some(())
        });
    }

    /// Waits until a cluster is gone.
    pub fn gone(&self, cluster: &str) {
        eventually(&format!("{cluster} is gone"), PATIENCE, || {
            (self.cli(&["cluster", "show", cluster]).code == 3).then_some(())
        });
    }

    /// The id of a cluster.
    #[must_use]
    pub fn uuid_of(&self, cluster: &str) -> String {
        self.json(&["cluster", "show", cluster])["uuid"].as_str().unwrap().to_owned()
    }

    /// The newest operation of a cluster, with its steps. `cluster` may be the id of a deleted one.
    #[must_use]
    pub fn newest_operation(&self, cluster: &str) -> Value {
        let list = self.json(&["operation", "list", "--cluster", cluster]);
        let newest = list.as_array().and_then(|all| all.first()).unwrap_or_else(|| panic!("no operation: {list}"));
        self.json(&["operation", "show", newest["uuid"].as_str().unwrap()])
    }

    /// Status code of a GET without a token, `None` if there is no answer.
    #[must_use]
    pub fn http_status(&self, path: &str) -> Option<u16> {
        let output = Command::new("curl")
            .args(["-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "5"])
            .arg(self.url() + path)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim().parse().ok().filter(|code| *code != 0)
    }

    /// Containers, networks and volumes at the Docker Engine that carry a cluster's mark.
    #[must_use]
    pub fn marked(&self, cluster: &str) -> Vec<String> {
        marked(&format!("org.jeroboam.cluster={cluster}"))
    }

    /// The end of the server's log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// The log of the server from the offset `seen` on, which is advanced.
    #[must_use]
    pub fn log_from(&self, seen: &mut u64) -> String {
        let mut log = File::open(self.log_path()).unwrap();
        log.seek(SeekFrom::Start(*seen)).unwrap();
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        // An incomplete line is left for the next call.
        text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
        *seen += text.len() as u64;
        text
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("server.log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let deployment = std::fs::read_to_string(self.data().join("deployment")).unwrap_or_default();
        let label = format!("label=org.jeroboam.deployment={}", deployment.trim());
        if std::thread::panicking() {
            println!("server log:\n{}", self.log_tail());
            print_logs_of_nodes(&label);
        }
        if deployment.is_empty() {
            return;
        }
        for (list, remove) in [
            (&["ps", "-aq"][..], &["rm", "-fv"][..]),
            (&["network", "ls", "-q"], &["network", "rm"]),
            (&["volume", "ls", "-q"], &["volume", "rm", "-f"]),
        ] {
            let found = docker_output(&[list, &["--filter", &label]].concat());
            let ids: Vec<&str> = found.split_whitespace().collect();
            if !ids.is_empty() {
                docker_output(&[remove, &ids].concat());
            }
        }
    }
}

/// Prints the end of the agents' logs, to help find the cause of a failure.
fn print_logs_of_nodes(label: &str) {
    let found = docker_output(&["ps", "-a", "--filter", label, "--format", "{{.Names}}\t{{.Status}}"]);
    for line in found.lines() {
        let name = line.split('\t').next().unwrap_or_default();
        let log = Command::new("docker").args(["logs", "--tail", "80", name]).output();
        let log = log.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
        println!("log of {line}:\n{}", String::from_utf8_lossy(&log));
    }
}

/// A free port outside the kernel's range for outgoing connections, one of which could otherwise take it while the
/// server is down.
fn free_port(first: u32) -> u16 {
    let mut port = first + std::process::id() % 10_000;
    loop {
        port = first + (port + 1 - first) % 10_000;
        if let Ok(port) = u16::try_from(port)
            && TcpListener::bind(("0.0.0.0", port)).is_ok()
        {
            return port;
        }
    }
}
