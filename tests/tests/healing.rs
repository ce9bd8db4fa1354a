//! Automatic repairs of real clusters.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use jeroboam_tests::{Living, Server, container_of, docker_output, eventually};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(180);

/// What is wrong with the cluster, from `bay why`.
fn why(server: &Server) -> Value {
    server.json(&["bay", "why", "c"])
}

/// Waits until a problem with this code is reported.
fn until_seen(server: &Server, code: &str) {
    eventually(&format!("{code} is reported"), PATIENCE, || {
        let problems = why(server)["problems"].as_array()?.clone();
        problems.iter().any(|problem| problem["cause"]["code"] == code).then_some(())
    });
}

/// Waits until a repair has succeeded and nothing is wrong any more. The status must not change meanwhile.
fn until_healed(server: &Server, uuid: &str, status: &str) -> Value {
    let repair = eventually("a repair has succeeded", PATIENCE, || {
        assert_eq!(server.json(&["bay", "show", "c"])["status"], status);
        let newest = server.newest_operation(uuid);
        (newest["kind"] == "repair" && newest["status"] == "succeeded").then_some(newest)
    });
    eventually("nothing is wrong", PATIENCE, || (why(server)["summary"] == "nothing is wrong").then_some(()));
    let shown = server.json(&["bay", "show", "c"]);
    assert_eq!((&shown["status"], &shown["health_status"]), (&status.into(), &"HEALTHY".into()), "{shown:#}");
    repair
}

fn steps(repair: &Value) -> Vec<String> {
    let steps = repair["steps"].as_array().unwrap().iter();
    steps.filter(|step| step["status"] == "done").map(|step| step["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_kubernetes_worker_that_is_killed_and_one_that_is_gone_with_its_disk_come_back() {
    lost_workers("kubernetes");
}

#[test]
fn a_swarm_worker_that_is_killed_and_one_that_is_gone_with_its_disk_come_back() {
    lost_workers("swarm");
}

fn lost_workers(kind: &'static str) {
    let server = Server::start();
    let living = Living::new(&server, kind);
    let worker = living.node("c-worker-0");
    docker_output(&["kill", &worker]);
    until_healed(&server, &living.uuid, "CREATE_COMPLETE");
    assert_eq!(living.node("c-worker-0"), worker, "the same container, started again");

    // Paused, so that the volume is removed before the server creates another container on it.
    server.ok(&["bay", "pause", "c"]);
    let disk = docker_output(&["inspect", "-f", "{{range .Mounts}}{{if .Name}}{{.Name}} {{end}}{{end}}", &worker]);
    docker_output(&["rm", "--force", &worker]);
    for volume in disk.split_whitespace() {
        let _ = std::process::Command::new("docker").args(["volume", "rm", volume]).output();
    }
    assert_eq!(container_of(&living.uuid, "c-worker-0"), None, "the fault has struck");
    assert_eq!(living.disks().len(), 1, "only the master's disk is left");
    until_seen(&server, "machine_gone");
    server.ok(&["bay", "resume", "c"]);
    until_healed(&server, &living.uuid, "CREATE_COMPLETE");
    assert_ne!(living.node("c-worker-0"), worker);
    if kind == "kubernetes" {
        let ready = living.engine(&["get", "nodes", "--no-headers"]);
        assert_eq!(ready.lines().filter(|line| line.contains(" Ready")).count(), 2, "{ready}");
    }
    living.assert_precious("after its workers were lost");
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&living.uuid), Vec::<String>::new());
}

#[test]
fn a_kubernetes_master_that_stopped_is_started_with_its_state() {
    stopped_master("kubernetes");
}

#[test]
fn a_swarm_manager_that_stopped_is_started_with_its_state() {
    stopped_master("swarm");
}

fn stopped_master(kind: &'static str) {
    let server = Server::start();
    let living = Living::new(&server, kind);
    let master = living.node("c-master-0");
    server.ok(&["bay", "pause", "c"]);
    docker_output(&["stop", "--time", "5", &master]);
    assert_eq!(docker_output(&["inspect", "-f", "{{.State.Running}}", &master]), "false", "the fault has struck");
    until_seen(&server, "machine_stopped");
    eventually("it is shown beside the status", PATIENCE, || {
        let shown = server.json(&["bay", "show", "c"]);
        (shown["status_reason"].as_str()?.contains("c-master-0") && shown["health_status"] == "UNHEALTHY").then_some(())
    });
    server.ok(&["bay", "resume", "c"]);
    until_healed(&server, &living.uuid, "CREATE_COMPLETE");
    living.assert_precious("after its master was stopped");
    server.ok(&["bay", "delete", "c", "--watch"]);
}

#[test]
fn a_node_that_kubernetes_has_lost_registers_again() {
    let server = Server::start();
    let living = Living::new(&server, "kubernetes");
    let _ = living.engine(&["delete", "node", "c-worker-0"]);
    let repair = until_healed(&server, &living.uuid, "CREATE_COMPLETE");
    let steps = steps(&repair);
    assert!(steps.contains(&"restart-components/c-worker-0".to_owned()), "{steps:?}");
    let nodes = living.engine(&["get", "nodes", "--no-headers"]);
    assert!(nodes.lines().any(|line| line.starts_with("c-worker-0") && line.contains(" Ready")), "{nodes}");
    server.ok(&["bay", "delete", "c", "--watch"]);
}

#[test]
fn a_machine_whose_agent_hangs_is_restarted() {
    let server = Server::start();
    let living = Living::new(&server, "kubernetes");
    let worker = living.node("c-worker-0");
    let agent = docker_output(&["exec", &worker, "pgrep", "-o", "-P", "1"]);
    docker_output(&["exec", &worker, "kill", "-STOP", agent.trim()]);
    let state = docker_output(&["exec", &worker, "sh", "-c", &format!("grep State /proc/{}/status", agent.trim())]);
    assert!(state.contains("T (stopped)"), "the fault has struck: {state}");
    let repair = until_healed(&server, &living.uuid, "CREATE_COMPLETE");
    let steps = steps(&repair);
    assert!(steps.contains(&"restart-machine/c-worker-0".to_owned()), "{steps:?}");
    assert_eq!(living.node("c-worker-0"), worker);
    server.ok(&["bay", "delete", "c", "--watch"]);
}
