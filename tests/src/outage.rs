//! A temporary outage of the Docker Engine.
//!
//! An engine that `scripts/docker-up` started, and on which nothing else runs, is really stopped and started. Any other
//! engine keeps running: the server connects to it through a proxy that is closed and opened again.

use std::fs::File;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::{cache, docker_output, eventually};

/// The engine gives its containers 15 s to stop before it kills them.
const STOP: Duration = Duration::from_secs(60);
/// Timeout until the engine answers again and its containers have started.
const START: Duration = Duration::from_secs(60);

/// The Docker Engine, with a way to make it unavailable.
pub enum Outage {
    /// The engine itself is stopped.
    Engine(Dockerd),
    /// The engine keeps running, and the connection to it is cut.
    Proxy(Proxy),
}

impl Outage {
    /// Chooses the variant that is possible here, and prints which.
    #[must_use]
    pub fn possible_here(scratch: &Path) -> Self {
        match Dockerd::of_docker_up() {
            Ok(engine) => {
                println!("the Docker Engine (process {}) is really stopped and started again", engine.pid);
                Self::Engine(engine)
            }
            Err(why) => {
                println!("the Docker Engine keeps running, a proxy in front of it is closed and opened: {why}");
                Self::Proxy(Proxy::open(scratch))
            }
        }
    }

    /// Uses a proxy, so that the engine keeps running.
    #[must_use]
    pub fn of_the_way(scratch: &Path) -> Self {
        Self::Proxy(Proxy::open(scratch))
    }

    /// The value of DOCKER_HOST for the server; `None` for the default.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        match self {
            Self::Engine(_) => None,
            Self::Proxy(proxy) => Some(format!("unix://{}", proxy.path.display())),
        }
    }

    /// Makes the engine unavailable.
    pub fn begin(&mut self) {
        let began = Instant::now();
        match self {
            Self::Engine(engine) => engine.stop(),
            Self::Proxy(proxy) => proxy.close(),
        }
        println!("the engine is away (it took {:.1} s)", began.elapsed().as_secs_f32());
    }

    /// Kills the engine and everything in these containers at once, as a host that loses power does. Another engine
    /// than that of `scripts/docker-up` keeps running, and has its containers killed.
    pub fn lose_power(&mut self, containers: &[String]) {
        let ids: Vec<&str> = containers.iter().map(String::as_str).collect();
        match self {
            Self::Engine(engine) => engine.kill(&ids),
            Self::Proxy(proxy) => {
                docker_output(&[&["kill"], &ids[..]].concat());
                proxy.close();
            }
        }
    }

    /// Makes the engine available again.
    pub fn end(&mut self) {
        let began = Instant::now();
        match self {
            Self::Engine(engine) => engine.start(),
            Self::Proxy(proxy) => proxy.listen(),
        }
        println!("the engine is back (it took {:.1} s)", began.elapsed().as_secs_f32());
    }
}

/// An engine that `scripts/docker-up` started.
pub struct Dockerd {
    pid: String,
    pid_file: PathBuf,
    command: Vec<String>,
    is_stopped: bool,
}

impl Dockerd {
    fn of_docker_up() -> Result<Self, String> {
        let state = std::env::var_os("JEROBOAM_STATE").map_or_else(|| cache().join("run"), PathBuf::from);
        let pid_file = state.join("dockerd.pid");
        let pid = std::fs::read_to_string(&pid_file).map_err(|_| "scripts/docker-up has not started it".to_owned())?;
        let pid = pid.trim().to_owned();
        let is_dockerd =
            std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "dockerd");
        if !is_dockerd {
            return Err("the one that scripts/docker-up started has exited".into());
        }
        let others = docker_output(&["ps", "-q"]);
        if !others.is_empty() {
            return Err(format!("{} other containers run on it", others.lines().count()));
        }
        let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).map_err(|problem| problem.to_string())?;
        let command = command.split_terminator('\0').map(ToOwned::to_owned).collect();
        Ok(Self { pid, pid_file, command, is_stopped: false })
    }

    fn stop(&mut self) {
        self.is_stopped = true;
        assert!(as_root(&["kill", "-TERM", &self.pid]).status().unwrap().success(), "stopping dockerd");
        let proc = PathBuf::from(format!("/proc/{}", self.pid));
        eventually("dockerd has stopped", STOP, || (!proc.exists()).then_some(()));
    }

    fn kill(&mut self, containers: &[&str]) {
        let processes = docker_output(&[&["inspect", "--format", "{{.State.Pid}}"], containers].concat());
        self.is_stopped = true;
        // Its containerd first: it would clean up after the containers.
        let _ = as_root(&["pkill", "-KILL", "-P", &self.pid]).status().unwrap();
        let all: Vec<&str> = ["kill", "-KILL", &self.pid].into_iter().chain(processes.split_whitespace()).collect();
        assert!(as_root(&all).status().unwrap().success(), "killing dockerd and all containers");
        let proc = PathBuf::from(format!("/proc/{}", self.pid));
        eventually("dockerd is gone", STOP, || (!proc.exists()).then_some(()));
    }

    fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.pid_file.with_extension("log")).unwrap();
        let command: Vec<&str> =
            ["setsid", "--fork"].into_iter().chain(self.command.iter().map(String::as_str)).collect();
        let started = as_root(&command)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .status()
            .expect("setsid is installed");
        assert!(started.success(), "starting dockerd: {started}");
        self.pid = eventually("dockerd answers", START, || {
            let answers = !docker_output(&["version", "--format", "{{.Server.Version}}"]).is_empty();
            answers.then(|| std::fs::read_to_string(&self.pid_file).ok()).flatten()
        })
        .trim()
        .to_owned();
        self.is_stopped = false;
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        if self.is_stopped {
            self.start();
        }
    }
}

fn as_root(command: &[&str]) -> Command {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|us| std::os::unix::fs::MetadataExt::uid(&us) == 0);
    let (program, args) = if is_root { (command[0], &command[1..]) } else { ("sudo", command) };
    let mut command = Command::new(program);
    command.args(args);
    command
}

/// A socket that forwards to the engine's socket while it is open.
pub struct Proxy {
    path: PathBuf,
    connections: Arc<Mutex<Connections>>,
}

#[derive(Default)]
struct Connections {
    is_open: bool,
    streams: Vec<UnixStream>,
}

impl Proxy {
    fn open(scratch: &Path) -> Self {
        let proxy = Self { path: scratch.join("docker.sock"), connections: Arc::default() };
        proxy.listen();
        proxy
    }

    fn listen(&self) {
        let listener = UnixListener::bind(&self.path).unwrap();
        self.connections.lock().unwrap().is_open = true;
        let connections = Arc::clone(&self.connections);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(engine)) = (client, UnixStream::connect(engine_socket())) else { return };
                let mut all = connections.lock().unwrap();
                if !all.is_open {
                    return;
                }
                for (from, to) in [(&client, &engine), (&engine, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || copy(from, to));
                }
                all.streams.extend([client, engine]);
            }
        });
    }

    fn close(&self) {
        let mut all = self.connections.lock().unwrap();
        all.is_open = false;
        for stream in all.streams.drain(..) {
            // A closed connection cannot be shut down.
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(all);
        // The listener's thread exits on the next connection: this one.
        let _ = UnixStream::connect(&self.path);
        std::fs::remove_file(&self.path).unwrap();
    }
}

/// Copies until end of input, then shuts down the other side for writing: Docker's streams may be half closed.
pub(crate) fn copy(mut from: UnixStream, mut to: UnixStream) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// The engine's own socket.
pub(crate) fn engine_socket() -> PathBuf {
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".into());
    let path = host.strip_prefix("unix://").unwrap_or_else(|| panic!("the engine at {host} has no local socket"));
    PathBuf::from(path)
}
