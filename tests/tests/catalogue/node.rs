//! Access to a node's container, and to the processes in it.

use jeroboam_tests::{Living, docker_output, eventually};
use serde_json::Value;

use crate::trial::{PATIENCE, Trial};

/// The names of the two nodes of a test cluster.
pub(crate) const MASTER: &str = "c-master-0";
pub(crate) const WORKER: &str = "c-worker-0";
pub(crate) const NODES: [&str; 2] = [MASTER, WORKER];

/// State of a container: `running`, `paused`, `exited`; empty when there is none.
pub(crate) fn state(container: &str) -> String {
    docker_output(&["inspect", "-f", "{{.State.Status}}", container])
}

/// Runs a script in a container; returns its standard output.
pub(crate) fn sh(container: &str, script: &str) -> String {
    docker_output(&["exec", container, "sh", "-c", script])
}

/// The first process with this name; empty when there is none.
pub(crate) fn process(container: &str, name: &str) -> String {
    sh(container, &format!("pidof {name} | tr ' ' '\\n' | sort -n | head -1"))
}

/// The process id of the agent, a child of process 1.
pub(crate) fn agent(container: &str) -> String {
    sh(container, "pgrep -o -P 1 jeroboam-node")
}

/// Stops a process with SIGSTOP; `kill -CONT` resumes it.
pub(crate) fn halt(container: &str, process: &str) {
    sh(container, &format!("kill -STOP {process}"));
    let state = || sh(container, &format!("sed 's/.*) //' /proc/{process}/stat | cut -c1"));
    eventually("the process is stopped", PATIENCE, || (state() == "T").then_some(()));
}

/// The network of a cluster.
pub(crate) fn network(living: &Living<'_>) -> String {
    let filter = format!("label=org.jeroboam.cluster={}", living.uuid);
    docker_output(&["network", "ls", "-q", "--no-trunc", "--filter", &filter])
}

/// Address of a container in its cluster's network.
pub(crate) fn address(container: &str) -> String {
    docker_output(&["inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container])
}

/// The volume with a node's data.
pub(crate) fn disk(container: &str) -> String {
    docker_output(&[
        "inspect",
        "-f",
        "{{range .Mounts}}{{if eq .Destination \"/var\"}}{{.Name}}{{end}}{{end}}",
        container,
    ])
}

/// Removes the container and its volume, before the server can create another container on the volume.
pub(crate) fn remove_with_disk(container: &str) {
    let disk = disk(container);
    docker_output(&["rm", "--force", "--volumes", container]);
    docker_output(&["volume", "rm", &disk]);
}

/// Whether the server reports the agent of a node as silent.
pub(crate) fn is_silent<'a>(
    trial: &Trial<'_>,
    living: &'a Living<'_>,
    node: &'a str,
) -> impl FnMut() -> bool + use<'a> {
    shown(trial, living, node, |node| node["phase"] == "unknown")
}

/// Whether the agent has reported a component as unresponsive.
pub(crate) fn is_unresponsive<'a>(
    trial: &Trial<'_>,
    living: &'a Living<'_>,
    node: &'a str,
    component: &'a str,
) -> impl FnMut() -> bool + use<'a> {
    shown(trial, living, node, move |node| {
        let mut components = node["components"].as_array().into_iter().flatten();
        components.any(|known| known["name"] == component && known["state"] == "unresponsive")
    })
}

/// Whether a condition holds for a node in the topology.
fn shown<'a, F: Fn(&Value) -> bool>(
    trial: &Trial<'_>,
    living: &'a Living<'_>,
    node: &'a str,
    is_so: F,
) -> impl FnMut() -> bool + use<'a, F> {
    let token = trial.token(living.server);
    move || {
        let topology = living.server.call("GET", "/v1/clusters/c/topology", &token, None).body;
        let groups = topology["node_groups"].as_array().cloned().unwrap_or_default();
        let mut nodes = groups.iter().flat_map(|group| group["nodes"].as_array().unwrap());
        nodes.any(|known| known["name"] == node && is_so(known))
    }
}

/// Suspends automatic repairs of the cluster until [`resume`].
pub(crate) fn pause(living: &Living<'_>) {
    living.server.ok(&["bay", "pause", "c"]);
}

/// Ends [`pause`].
pub(crate) fn resume(living: &Living<'_>) {
    living.server.ok(&["bay", "resume", "c"]);
}
