//! Access to the Docker Engine with its own client.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// Runs the docker client; returns its standard output.
pub fn docker_output(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().expect("the docker client is installed");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
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

/// Ids of a cluster's containers, running or not.
#[must_use]
pub fn containers_of(cluster: &str) -> Vec<String> {
    docker_output(&["ps", "-aq", "--filter", &format!("label=org.jeroboam.cluster={cluster}")])
        .split_whitespace()
        .map(ToOwned::to_owned)
        .collect()
}

/// Id of the container of one node of a cluster.
#[must_use]
pub fn container_of(cluster: &str, node: &str) -> Option<String> {
    let filter = format!("label=org.jeroboam.cluster={cluster}");
    let list = docker_output(&["ps", "-a", "--format", "{{.ID}} {{.Names}}", "--filter", &filter]);
    list.lines().find(|line| line.ends_with(node)).and_then(|line| line.split(' ').next().map(ToOwned::to_owned))
}

/// Docker events of a cluster's containers and networks.
pub struct Events {
    client: Child,
    lines: Receiver<String>,
}

impl Events {
    /// Starts listening.
    #[must_use]
    pub fn of(cluster: &str) -> Self {
        let mut client = Command::new("docker")
            .args(["events", "--filter", &format!("label=org.jeroboam.cluster={cluster}")])
            .args(["--format", "{{.Type}} {{.Action}} {{.Actor.Attributes.name}}"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the docker client is installed");
        let (send, lines) = channel();
        let out = BufReader::new(client.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { client, lines }
    }

    /// The events since the last call, for example `container create jeroboam-1234abcd-c-master-0`.
    pub fn new_ones(&self) -> Vec<String> {
        self.lines.try_iter().collect()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}
