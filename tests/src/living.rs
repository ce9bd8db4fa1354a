//! A running cluster with data that must not be lost.

use std::path::PathBuf;
use std::process::Command;

use crate::{Answer, Server, container_of, docker_output};

/// A complete cluster with data in it.
pub struct Living<'a> {
    /// The server that manages it.
    pub server: &'a Server,
    /// The name of its engine.
    pub kind: &'static str,
    /// Its id.
    pub uuid: String,
    config: PathBuf,
}

impl<'a> Living<'a> {
    /// Creates the cluster `c` with one master and one worker, and stores data in it.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn new(server: &'a Server, kind: &'static str) -> Self {
        server.create(kind, "c", 1);
        let living = Self::found(server, kind);
        let _ = living.engine(match kind {
            "kubernetes" => &["create", "configmap", "precious", "--from-literal=is=there"],
            _ => &["config", "create", "precious", "/etc/hostname"],
        });
        living.assert_precious("after its creation");
        living
    }

    /// The existing cluster `c`.
    ///
    /// # Panics
    /// If it gives no access.
    #[must_use]
    pub fn found(server: &'a Server, kind: &'static str) -> Self {
        Self::found_as(server, kind, "jeroboam")
    }

    /// The same, with access for a user of another cloud of clouds.yaml.
    ///
    /// # Panics
    /// If it gives no access.
    #[must_use]
    pub fn found_as(server: &'a Server, kind: &'static str, cloud: &str) -> Self {
        let uuid = server.uuid_of("c");
        let config = server.scratch(&uuid);
        let answer = server.cli_as(cloud, &["bay", "config", &uuid, "--force", "--dir", config.to_str().unwrap()]);
        assert_eq!(answer.code, 0, "{answer:?}");
        Self { server, kind, uuid, config }
    }

    /// The same as `new`, with automatic repairs suspended.
    ///
    /// # Panics
    /// When that fails.
    #[must_use]
    pub fn paused(server: &'a Server, kind: &'static str) -> Self {
        let living = Self::new(server, kind);
        server.ok(&["bay", "pause", "c"]);
        living
    }

    /// Runs the engine's own client; returns its standard output.
    ///
    /// # Panics
    /// When it fails.
    pub fn engine(&self, args: &[&str]) -> String {
        let answer = self.ask_engine(args);
        assert_eq!(answer.code, 0, "{answer:?}");
        answer.out
    }

    /// Runs the engine's own client, which may fail.
    #[must_use]
    pub fn ask_engine(&self, args: &[&str]) -> Answer {
        let mut client = if self.kind == "kubernetes" {
            let mut kubectl = Command::new("kubectl");
            kubectl.env("KUBECONFIG", self.config.join("config")).arg("--request-timeout=5s");
            kubectl
        } else {
            let api = self.server.json(&["cluster", "show", "c"])["api_address"].as_str().unwrap().to_owned();
            let mut docker = Command::new("docker");
            docker.env("DOCKER_HOST", api.replace("https://", "tcp://"));
            docker.env("DOCKER_TLS_VERIFY", "1").env("DOCKER_CERT_PATH", &self.config);
            docker
        };
        let output = client.args(args).output().expect("`make test` installs kubectl and docker");
        Answer::new(&format!("{} {}", client.get_program().display(), args.join(" ")), &output)
    }

    /// Asserts that the data is still there.
    ///
    /// # Panics
    /// If it is not.
    pub fn assert_precious(&self, when: &str) {
        let there = self.engine(match self.kind {
            "kubernetes" => &["get", "configmap", "precious", "-o", "jsonpath={.data.is}"],
            _ => &["config", "ls", "--format", "{{.Name}}"],
        });
        let expected = if self.kind == "kubernetes" { "there" } else { "precious" };
        assert_eq!(there.trim(), expected, "{when}");
    }

    /// The container of a node.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn node(&self, name: &str) -> String {
        container_of(&self.uuid, name).unwrap_or_else(|| panic!("{name} has no container"))
    }

    /// The volumes of its nodes.
    #[must_use]
    pub fn disks(&self) -> Vec<String> {
        let filter = format!("label=org.jeroboam.cluster={}", self.uuid);
        let list = docker_output(&["volume", "ls", "-q", "--filter", &filter]);
        list.lines().map(ToOwned::to_owned).collect()
    }
}
