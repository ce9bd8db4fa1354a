//! The connection to a Docker Engine and what is known of it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::SystemInfoCgroupVersionEnum;
use jeroboam_model::Cause;

use super::capabilities::{self, Grant};
use super::cause::Failure;

/// Timeout of reading calls. They take milliseconds; a busy engine may need seconds.
pub(super) const LOOK: Duration = Duration::from_secs(15);
/// Timeout of changing calls. They take well below a second; longer on a slow disk, or when ten containers are started
/// at once on a small machine.
pub(super) const CHANGE: Duration = Duration::from_secs(60);

/// Timeout of connecting, including the wait for another task that is connecting.
const CONNECT: Duration = Duration::from_secs(20);

/// Default address of the engine.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// A connection to an engine. When it is lost a new one is opened, since the engine may then be another version.
pub(super) struct Engine {
    /// The client.
    pub(super) docker: bollard::Docker,
    /// What is known of it.
    pub(super) facts: Facts,
    grant: Mutex<Grant>,
    lost: AtomicBool,
}

/// What is known of an engine.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Whether containers live under cgroup version 2.
    pub(super) cgroup_v2: bool,
    /// Processors of its machine.
    pub(super) cpus: i64,
    /// Memory of its machine in bytes.
    pub(super) memory: i64,
    /// Whether its machine is this one, so that files, routes and processes here say something about it.
    pub(super) local: bool,
    /// Its capabilities, a bit for each; `None` when they are not known.
    pub(super) capabilities: Option<u64>,
}

/// The engine's address: as configured, from `DOCKER_HOST`, or the default. A path is that of a socket.
pub(super) fn host(configured: Option<&str>) -> String {
    let host = match configured {
        Some(host) => host.to_owned(),
        None => std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty()).unwrap_or(DEFAULT_HOST.to_owned()),
    };
    if host.starts_with('/') { format!("unix://{host}") } else { host }
}

/// The connection, opened again if it was lost. One task connects and the others wait for it. When the engine hangs,
/// they all time out together, not one after the other.
pub(super) async fn connected(
    host: &str,
    kept: &tokio::sync::Mutex<Option<Arc<Engine>>>,
) -> Result<Arc<Engine>, Cause> {
    let connection = async {
        let mut kept = kept.lock().await;
        if let Some(engine) = kept.as_ref().filter(|engine| !engine.is_lost()) {
            return Ok(Arc::clone(engine));
        }
        let engine = Arc::new(Engine::connect(host).await?);
        *kept = Some(Arc::clone(&engine));
        Ok(engine)
    };
    tokio::time::timeout(CONNECT, connection).await.unwrap_or_else(|_| Err(hangs(host)))
}

/// The cause for an engine that accepts connections and does not answer.
fn hangs(host: &str) -> Cause {
    Failure { doing: connecting(host), error: Error::RequestTimeoutError }.into()
}

fn connecting(host: &str) -> String {
    format!("Connecting to the Docker Engine at {host}")
}

impl Engine {
    /// Connects to the engine at `host` and reads its properties.
    pub(super) async fn connect(host: &str) -> Result<Self, Cause> {
        let fail = |error| Failure { doing: connecting(host), error };
        let docker = bollard::Docker::connect_with_host(host).map_err(fail)?;
        let docker = within(LOOK, docker.negotiate_version()).await.map_err(fail)?;
        let info = within(LOOK, docker.info()).await.map_err(fail)?;

        // Docker Desktop runs its engine in a virtual machine, although its socket is local.
        let desktop = info.operating_system.as_deref() == Some("Docker Desktop");
        let socket = host.strip_prefix("unix://").filter(|_| !desktop);
        let facts = Facts {
            cgroup_v2: info.cgroup_version == Some(SystemInfoCgroupVersionEnum::_2),
            cpus: info.ncpu.unwrap_or_default(),
            memory: info.mem_total.unwrap_or_default(),
            local: socket.is_some(),
            capabilities: match socket {
                Some(socket) => capabilities_behind(Path::new(socket)).await,
                None => None,
            },
        };
        let grant = Grant::first(facts.capabilities, capabilities::last_of_kernel());
        tracing::info!(
            host,
            version = info.server_version.as_deref().unwrap_or("unknown"),
            cgroup_v2 = facts.cgroup_v2,
            cpus = facts.cpus,
            memory_mib = facts.memory >> 20,
            privileged = grant == Grant::Privileged,
            "connected to the Docker Engine"
        );
        Ok(Self { docker, facts, grant: Mutex::new(grant), lost: AtomicBool::new(false) })
    }

    /// Runs a call to the engine, with a timeout. `doing` starts a sentence.
    pub(super) async fn call<T>(
        &self,
        doing: impl Into<String>,
        limit: Duration,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Failure> {
        within(limit, call).await.map_err(|error| {
            let failure = Failure { doing: doing.into(), error };
            if failure.is_lost() {
                self.lost.store(true, Ordering::Relaxed);
            }
            failure
        })
    }

    /// Whether a new connection is needed.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// The grant for containers.
    pub(super) fn grant(&self) -> Grant {
        self.grant.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The engine refuses privileged containers: from now on they get the list of capabilities.
    pub(super) fn give_less(&self) -> Grant {
        let less = Grant::listed(self.facts.capabilities);
        tracing::info!("the Docker Engine refuses privileged containers, nodes get an explicit list of capabilities");
        *self.grant.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = less.clone();
        less
    }
}

async fn within<T>(limit: Duration, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(limit, call).await.unwrap_or(Err(Error::RequestTimeoutError))
}

/// The capabilities of the process that listens on a socket: the engine, or the service manager that started it.
async fn capabilities_behind(socket: &Path) -> Option<u64> {
    let peer = tokio::net::UnixStream::connect(socket).await.ok()?.peer_cred().ok()?.pid()?;
    capabilities::of_process(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_of_a_socket() {
        assert_eq!(host(Some("/run/docker.sock")), "unix:///run/docker.sock");
        assert_eq!(host(Some("tcp://engine:2376")), "tcp://engine:2376");
    }
}
