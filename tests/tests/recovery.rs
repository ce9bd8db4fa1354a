//! Clusters whose machines were stopped, removed or lost: the next operation recovers machines with their data, and
//! lost data is never replaced without a request. The clusters are paused, so that automatic repairs do not interfere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use jeroboam_tests::{Living, Server, container_of, containers_of, docker_output, eventually};

const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn a_kubernetes_cluster_whose_machines_were_stopped_is_started_with_all_that_was_in_it() {
    stopped("kubernetes");
}

#[test]
fn a_swarm_whose_machines_were_stopped_is_started_with_all_that_was_in_it() {
    stopped("swarm");
}

fn stopped(kind: &'static str) {
    let server = Server::start();
    let living = Living::paused(&server, kind);
    let (mut before, disks) = (containers_of(&living.uuid), living.disks());
    before.sort_unstable();
    docker_output(&[&["stop", "--time", "10"][..], &before.iter().map(String::as_str).collect::<Vec<_>>()].concat());
    let running = ["ps", "-q", "--filter", &format!("label=org.jeroboam.cluster={}", living.uuid)];
    assert_eq!(docker_output(&running), "", "the fault has struck");

    server.ok(&["bay", "resize", "c", "2", "--watch"]);
    let mut after = containers_of(&living.uuid);
    after.sort_unstable();
    assert!(before.iter().all(|id| after.contains(id)), "the same containers: {before:?} {after:?}");
    assert!(disks.iter().all(|disk| living.disks().contains(disk)), "the same disks");
    living.assert_precious("after its machines were stopped");
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&living.uuid), Vec::<String>::new(), "a delete also removes disks");
}

#[test]
fn a_kubernetes_master_that_was_removed_is_made_anew_on_its_disk() {
    removed("kubernetes");
}

#[test]
fn a_swarm_manager_that_was_removed_is_made_anew_on_its_disk() {
    removed("swarm");
}

fn removed(kind: &'static str) {
    let server = Server::start();
    let living = Living::paused(&server, kind);
    let master = living.node("c-master-0");
    docker_output(&["rm", "--force", "--volumes", &master]);
    assert_eq!(container_of(&living.uuid, "c-master-0"), None, "the fault has struck");
    server.ok(&["bay", "resize", "c", "2", "--watch"]);
    assert_ne!(living.node("c-master-0"), master);
    living.assert_precious("after its master's container was removed");
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&living.uuid), Vec::<String>::new());
}

#[test]
fn the_only_copy_of_a_kubernetes_clusters_state_is_never_made_anew_unless_that_is_asked_for() {
    lost_state("kubernetes");
}

#[test]
fn the_only_copy_of_a_swarms_state_is_never_made_anew_unless_that_is_asked_for() {
    lost_state("swarm");
}

fn lost_state(kind: &'static str) {
    let server = Server::start();
    let living = Living::paused(&server, kind);
    let master = living.node("c-master-0");
    let disk = docker_output(&[
        "inspect",
        "-f",
        "{{range .Mounts}}{{if eq .Destination \"/var\"}}{{.Name}}{{end}}{{end}}",
        &master,
    ]);
    docker_output(&["rm", "--force", &master]);
    docker_output(&["volume", "rm", &disk]);
    assert!(!living.disks().contains(&disk), "the fault has struck");

    let answer = server.cli(&["bay", "resize", "c", "2", "--watch"]);
    assert_ne!(answer.code, 0);
    let told = format!("{}{}", answer.out, answer.err);
    assert!(told.contains("c-master-0") && told.contains("--replace-data"), "{told}");
    let shown = server.json(&["bay", "show", "c"]);
    assert_eq!(shown["status"], "UPDATE_FAILED");
    assert!(shown["status_reason"].as_str().unwrap().contains("only copy"), "{shown:#}");
    assert_eq!(container_of(&living.uuid, "c-master-0"), None, "nothing was made");

    let answer = server.cli(&["bay", "retry", "c", "--replace-data", "--watch"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(answer.err.contains("warning"), "there is a warning: {answer:?}");
    let (nodes, things): (&[&str], &[&str]) = match kind {
        "kubernetes" => (&["get", "nodes", "--no-headers"], &["get", "configmaps", "-o", "name"]),
        _ => (&["node", "ls", "--format", "{{.Hostname}} {{.Status}}"], &["config", "ls", "--format", "{{.Name}}"]),
    };
    eventually("all nodes are ready in the recreated cluster", PATIENCE, || {
        let nodes = living.engine(nodes);
        (nodes.lines().filter(|line| line.contains(" Ready")).count() == 3).then_some(())
    });
    let lost = living.engine(things);
    assert!(!lost.contains("precious"), "{lost}");
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&living.uuid), Vec::<String>::new());
}

#[test]
fn a_paused_worker_goes_on_when_the_cluster_is_changed() {
    let server = Server::start();
    let living = Living::paused(&server, "kubernetes");
    let worker = living.node("c-worker-0");
    docker_output(&["pause", &worker]);
    assert_eq!(docker_output(&["inspect", "-f", "{{.State.Paused}}", &worker]), "true", "the fault has struck");
    eventually("its agent is known to be silent", PATIENCE, || {
        let topology = server.json(&["bay", "topology", "c"]);
        let groups = topology["node_groups"].as_array()?.clone();
        let nodes: Vec<_> = groups.iter().flat_map(|group| group["nodes"].as_array().unwrap().clone()).collect();
        let worker = nodes.iter().find(|node| node["name"] == "c-worker-0")?.clone();
        (worker["phase"] == "unknown").then_some(())
    });
    server.ok(&["bay", "resize", "c", "2", "--watch"]);
    assert_eq!(docker_output(&["inspect", "-f", "{{.State.Paused}}", &worker]), "false");
    living.assert_precious("after its worker was paused");
    server.ok(&["bay", "delete", "c", "--watch"]);
}

/// An image whose label lists a version with a missing program. It is removed when this is dropped.
struct BrokenImage;

const BROKEN: &str = "jeroboam/node:without-kubelet";

impl BrokenImage {
    fn new() -> Self {
        let mut build = Command::new("docker")
            .args(["build", "--quiet", "--tag", BROKEN, "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the docker client is installed");
        let file = "FROM jeroboam/node:debian-13\nRUN rm /opt/jeroboam/kubernetes/*/kubelet\n";
        build.stdin.take().unwrap().write_all(file.as_bytes()).unwrap();
        assert!(build.wait().unwrap().success());
        Self
    }
}

impl Drop for BrokenImage {
    fn drop(&mut self) {
        docker_output(&["image", "rm", BROKEN]);
    }
}

#[test]
fn retry_reaches_an_agent_that_has_given_up() {
    let _image = BrokenImage::new();
    let server = Server::start();
    server.ok(&["baymodel", "create", "broken", "--coe", "kubernetes", "--image", "without-kubelet"]);
    server.ok(&["bay", "create", "c", "--baymodel", "broken", "--node-count", "1", "--no-wait"]);
    let uuid = server.uuid_of("c");
    let failed = |server: &Server| {
        eventually("the operation has failed", PATIENCE, || {
            let now = server.newest_operation(&uuid);
            (now["status"] == "failed").then_some(now)
        })
    };
    assert_eq!(failed(&server)["cause"]["code"], "version_unavailable", "the fault has struck");
    // Without a fix the retry really runs, and fails for the same reason.
    server.ok(&["bay", "retry", "c", "--no-wait"]);
    assert_eq!(failed(&server)["cause"]["code"], "version_unavailable");
    for node in ["c-master-0", "c-worker-0"] {
        let node = container_of(&uuid, node).unwrap();
        // An image may have several versions.
        let mend = "for version in /opt/jeroboam/kubernetes/*; do ln -s kube-proxy $version/kubelet; done";
        docker_output(&["exec", &node, "sh", "-c", mend]);
    }
    server.ok(&["bay", "retry", "c", "--watch"]);
    assert_eq!(server.json(&["bay", "show", "c"])["status"], "CREATE_COMPLETE");
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
}
