//! Checks a cluster with kubectl and docker: a measurement must not rely on the server's own reports.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::server::Server;

/// How long a connection to a cluster on this machine may take.
const CONNECT: Duration = Duration::from_millis(200);

/// The kinds of clusters that are measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Kubernetes.
    Kubernetes,
    /// Docker Engines in swarm mode.
    Swarm,
}

impl Kind {
    /// The name of its template.
    pub(crate) fn template(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Swarm => "swarm",
        }
    }

    /// Its name in the table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Kubernetes => "Kubernetes",
            Self::Swarm => "Swarm",
        }
    }
}

/// Access to a cluster without the server.
pub(crate) struct Access {
    kind: Kind,
    folder: PathBuf,
    address: String,
}

impl Access {
    /// Has the command line write the credentials for kubectl or docker.
    pub(crate) fn get(server: &Server, kind: Kind, cluster: &str, api_address: &str) -> anyhow::Result<Self> {
        let folder = server.scratch(cluster);
        std::fs::create_dir_all(&folder).context("making a folder for the cluster's access")?;
        run(server.command().args(["cluster", "config", cluster, "--force", "--dir"]).arg(&folder))?;
        Ok(Self { kind, folder, address: api_address.replacen("https://", "tcp://", 1) })
    }

    /// Whether the engine's API answers. Fails fast if its machine does not run.
    pub(crate) fn answers(&self) -> bool {
        let address = self.address.trim_start_matches("tcp://").trim_end_matches('/').parse();
        address.is_ok_and(|address| TcpStream::connect_timeout(&address, CONNECT).is_ok()) && self.ready_nodes().is_ok()
    }

    /// The number of nodes that are ready in the engine.
    pub(crate) fn ready_nodes(&self) -> anyhow::Result<usize> {
        let text = match self.kind {
            Kind::Kubernetes => run(Command::new("kubectl")
                .args(["get", "nodes", "--no-headers", "--kubeconfig"])
                .arg(self.folder.join("config")))?,
            Kind::Swarm => run(Command::new("docker")
                .args(["--tlsverify", "-H", &self.address, "node", "ls", "--format", "{{.Hostname}} {{.Status}}"])
                .env("DOCKER_CERT_PATH", &self.folder))?,
        };
        Ok(text.lines().filter(|line| line.split_whitespace().nth(1) == Some("Ready")).count())
    }
}

/// Containers, networks and volumes at the Docker Engine that carry a cluster's mark.
pub(crate) fn left_of(cluster: &str) -> anyhow::Result<usize> {
    let filter = format!("label=org.jeroboam.cluster={cluster}");
    let mut count = 0;
    for list in [&["ps", "-aq"][..], &["network", "ls", "-q"], &["volume", "ls", "-q"]] {
        count += run(Command::new("docker").args(list).args(["--filter", &filter]))?.lines().count();
    }
    Ok(count)
}

/// The node containers of a cluster in one role.
pub(crate) fn containers_of(cluster: &str, role: &str) -> anyhow::Result<Vec<String>> {
    let (cluster, role) = (format!("label=org.jeroboam.cluster={cluster}"), format!("label=org.jeroboam.role={role}"));
    let found = run(Command::new("docker").args(["ps", "-q", "--filter", &cluster, "--filter", &role]))?;
    Ok(found.lines().map(str::to_owned).collect())
}

/// A property of a container, from `docker inspect` with this format.
pub(crate) fn inspect(container: &str, format: &str) -> anyhow::Result<String> {
    Ok(run(Command::new("docker").args(["inspect", "-f", format, container]))?.trim().to_owned())
}

/// Runs a command and returns its standard output.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("running {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
