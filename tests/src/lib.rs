//! What the end-to-end tests share: a real `jeroboam up` with a data folder of its own, and the real command line.
//!
//! Needs what `make test` prepares: a Docker Engine, the node image and the small test images, the built binaries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a server may take to answer after its start.
const START: Duration = Duration::from_secs(30);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(50);

/// A server with a data folder of its own. What it made at the Docker Engine is removed when it is dropped.
pub struct Server {
    child: Option<Child>,
    dir: tempfile::TempDir,
    port: u16,
    agent_port: u16,
    docker_host: Option<String>,
    extra: Vec<String>,
}

impl Server {
    /// Starts one on the local Docker Engine.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with further arguments.
    #[must_use]
    pub fn with(extra: &[&str]) -> Self {
        let dir = tempfile::Builder::new().prefix("jeroboam-test-").tempdir().unwrap();
        let mut server = Self {
            child: None,
            dir,
            port: free_port(),
            agent_port: free_port(),
            docker_host: None,
            extra: extra.iter().map(|arg| (*arg).to_owned()).collect(),
        };
        server.restart();
        server
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A file beside the data folder, for the test's own use.
    #[must_use]
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Base URL of the API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts the server again; it must not be running.
    pub fn restart(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = Command::new(binary("jeroboam"));
        command
            .args(["up", "--data"])
            .arg(self.data())
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args(["--agent-port", &self.agent_port.to_string()])
            .args(&self.extra)
            .env("RUST_LOG", "info,jeroboam_conductor=debug")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if let Some(host) = &self.docker_host {
            command.env("DOCKER_HOST", host);
        }
        self.child = Some(command.spawn().expect("the binaries are built by `cargo build --workspace`"));
        let started = Instant::now();
        while self.http_status("/healthcheck") != Some(200) {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {}", self.log_tail());
            assert!(started.elapsed() < START, "the server does not answer: {}", self.log_tail());
            sleep(LOOK);
        }
    }

    /// Ends the server as `kill -9` does.
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
        let output = Command::new(binary("jeroboam"))
            .args(args)
            .env("OS_CLIENT_CONFIG_FILE", self.data().join("clouds.yaml"))
            .env("OS_CLOUD", cloud)
            .env("NO_COLOR", "1")
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Answer::new(&format!("jeroboam {}", args.join(" ")), &output)
    }

    /// Runs a command line that must succeed; gives its standard output.
    pub fn ok(&self, args: &[&str]) -> String {
        let answer = self.cli(args);
        assert_eq!(answer.code, 0, "{answer:?}\nserver: {}", self.log_tail());
        answer.out
    }

    /// Runs a command line that must succeed, with `-o json`; gives the value.
    pub fn json(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.extend(["-o", "json"]);
        let text = self.ok(&all);
        serde_json::from_str(&text).unwrap_or_else(|problem| panic!("{args:?}: {problem}: {text}"))
    }

    /// Makes a cluster and waits until it is complete.
    pub fn create(&self, kind: &str, name: &str, workers: u32) {
        let workers = workers.to_string();
        self.ok(&["bay", "create", name, "--baymodel", kind, "--node-count", &workers, "--watch"]);
    }

    /// The id of a cluster.
    #[must_use]
    pub fn uuid_of(&self, cluster: &str) -> String {
        self.json(&["cluster", "show", cluster])["uuid"].as_str().unwrap().to_owned()
    }

    /// The newest operation of a cluster, with its steps. `cluster` may be the id of one that is gone.
    #[must_use]
    pub fn newest_operation(&self, cluster: &str) -> Value {
        let list = self.json(&["operation", "list", "--cluster", cluster]);
        let newest = list.as_array().and_then(|all| all.first()).unwrap_or_else(|| panic!("no operation: {list}"));
        self.json(&["operation", "show", newest["uuid"].as_str().unwrap()])
    }

    /// Status code of a GET without a token, `None` when nobody answers.
    #[must_use]
    pub fn http_status(&self, path: &str) -> Option<u16> {
        let output = Command::new("curl")
            .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "5", &format!("{}{path}", self.url())])
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

    /// What the server has logged since `seen`, which is moved on.
    #[must_use]
    pub fn log_from(&self, seen: &mut u64) -> String {
        let mut log = File::open(self.log_path()).unwrap();
        log.seek(SeekFrom::Start(*seen)).unwrap();
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        // A line that is not whole yet is left for the next look.
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
        if std::thread::panicking() {
            println!("server log:\n{}", self.log_tail());
        }
        let Ok(deployment) = std::fs::read_to_string(self.data().join("deployment")) else { return };
        let label = format!("label=org.jeroboam.deployment={}", deployment.trim());
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

/// What a command said.
#[derive(Debug)]
pub struct Answer {
    /// The command.
    pub command: String,
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Answer {
    fn new(command: &str, output: &Output) -> Self {
        Self {
            command: command.to_owned(),
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Containers, networks and volumes that carry a label.
#[must_use]
pub fn marked(label: &str) -> Vec<String> {
    let filter = format!("label={label}");
    [&["ps", "-aq"][..], &["network", "ls", "-q"], &["volume", "ls", "-q"]]
        .iter()
        .flat_map(|list| {
            docker_output(&[list, &["--filter", &filter][..]].concat())
                .split_whitespace()
                .map(ToOwned::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Runs the docker client; gives its standard output.
pub fn docker_output(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().expect("the docker client is installed");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Runs any command that must succeed; gives its standard output.
pub fn run(program: &str, args: &[&str], environment: &[(&str, &Path)]) -> String {
    let output = Command::new(program).args(args).envs(environment.iter().copied()).output().unwrap();
    let answer = Answer::new(&format!("{program} {}", args.join(" ")), &output);
    assert_eq!(answer.code, 0, "{answer:?}");
    answer.out
}

/// Waits until `look` gives something.
pub fn eventually<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < patience, "waited {} s in vain until {what}", patience.as_secs());
        sleep(LOOK);
    }
}

/// A built program of this workspace: beside the running test's folder.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join(name)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
