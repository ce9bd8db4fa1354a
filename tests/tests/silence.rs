//! Changes of nodes are detected within seconds: an agent becomes silent, or the engine reports another state.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use jeroboam_tests::{Server, container_of, docker_output, eventually, run};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);
/// Timeout for the detection, with a margin for a busy machine.
const SOON: Duration = Duration::from_secs(15);

/// A node in the topology.
fn node(server: &Server, name: &str) -> Value {
    let topology = server.json(&["bay", "topology", "c"]);
    let groups = topology["node_groups"].as_array().unwrap();
    let mut nodes = groups.iter().flat_map(|group| group["nodes"].as_array().unwrap());
    nodes.find(|node| node["name"] == name).unwrap_or_else(|| panic!("{name} in {topology:#}")).clone()
}

/// The process id of a node's agent in its container, a child of process 1.
fn agent(container: &str) -> String {
    let all = docker_output(&["exec", container, "pidof", "jeroboam-node"]);
    let agent = all.split(' ').find(|process| *process != "1");
    agent.unwrap_or_else(|| panic!("an agent among {all:?}")).to_owned()
}

fn signal(container: &str, signal: &str, process: &str) -> char {
    docker_output(&["exec", container, "sh", "-c", &format!("kill -{signal} {process}")]);
    let stat = docker_output(&["exec", container, "cat", &format!("/proc/{process}/stat")]);
    // The state is after the name in parentheses.
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).unwrap_or('?')
}

#[test]
fn an_agent_that_hangs_is_known_to_be_silent_within_seconds_and_heard_again_at_once() {
    let server = Server::start();
    server.create("kubernetes", "c", 1);
    // No automatic repairs during the test.
    server.ok(&["bay", "pause", "c"]);
    let worker = container_of(&server.uuid_of("c"), "c-worker-0").unwrap();
    let before = node(&server, "c-worker-0");
    assert_eq!((&before["phase"], &before["silent_since"]), (&"up".into(), &Value::Null));

    let process = agent(&worker);
    let stopped = Instant::now();
    assert_eq!(signal(&worker, "STOP", &process), 'T', "the fault has struck");
    let since = eventually("the silence is reported", PATIENCE, || {
        let shown = node(&server, "c-worker-0");
        (shown["phase"] == "unknown").then(|| shown["silent_since"].clone())
    });
    let took = stopped.elapsed();
    assert!(took <= SOON, "{took:?}");
    assert!(since.is_string(), "{since:?}");
    assert_eq!(node(&server, "c-master-0")["phase"], "up", "the others are heard");

    let went_on = Instant::now();
    assert_ne!(signal(&worker, "CONT", &process), 'T');
    eventually("it is heard again", PATIENCE, || {
        let shown = node(&server, "c-worker-0");
        (shown["phase"] == "up" && shown["silent_since"].is_null()).then_some(())
    });
    let took = went_on.elapsed();
    assert!(took <= SOON, "{took:?}");
    server.ok(&["bay", "delete", "c", "--watch"]);
}

#[test]
fn a_server_that_was_stopped_takes_nobody_for_silent_when_it_goes_on() {
    let server = Server::start();
    server.create("kubernetes", "c", 1);
    let process = server.pid().to_string();
    let mut read = 0;
    assert!(!server.log_from(&mut read).contains("is silent"));
    run("kill", &["-STOP", &process], &[]);
    eventually("the fault has struck", PATIENCE, || {
        let state = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        state.contains(") T ").then_some(())
    });
    let long = Instant::now() + Duration::from_secs(15);
    eventually("it was stopped for longer than any agent may be", PATIENCE, || (Instant::now() > long).then_some(()));
    run("kill", &["-CONT", &process], &[]);
    let mut log = String::new();
    eventually("the server logs that it was stopped", PATIENCE, || {
        log += &server.log_from(&mut read);
        log.contains("this process was stopped").then_some(())
    });
    let until = Instant::now() + Duration::from_secs(12);
    eventually("all agents had time to call", PATIENCE, || {
        for name in ["c-master-0", "c-worker-0"] {
            assert_eq!(node(&server, name)["phase"], "up", "{name}");
        }
        (Instant::now() > until).then_some(())
    });
    log += &server.log_from(&mut read);
    assert!(!log.contains("is silent"), "{log}");
    server.ok(&["bay", "delete", "c", "--watch"]);
}

#[test]
fn what_the_engine_says_of_nodes_is_known_within_seconds() {
    let server = Server::start();
    server.create("kubernetes", "c", 1);
    // No automatic repairs during the test.
    server.ok(&["bay", "pause", "c"]);
    let config = server.scratch("config");
    server.ok(&["bay", "config", "c", "--dir", config.to_str().unwrap()]);
    eventually("the engine's view is known", PATIENCE, || {
        (node(&server, "c-worker-0")["ready"] == true && node(&server, "c-master-0")["ready"] == true).then_some(())
    });
    run("kubectl", &["delete", "node", "c-worker-0"], &[("KUBECONFIG", &config.join("config"))]);
    let deleted = Instant::now();
    let shown = eventually("the engine does not know it", PATIENCE, || {
        let shown = node(&server, "c-worker-0");
        (shown["ready"] == false).then_some(shown)
    });
    let took = deleted.elapsed();
    assert!(took <= SOON, "{took:?}");
    assert_eq!(shown["reason"], "the engine does not know it", "{shown:#}");
    server.ok(&["bay", "delete", "c", "--watch"]);
}

#[test]
fn a_swarm_says_within_seconds_that_a_node_was_taken_out() {
    let server = Server::start();
    server.create("swarm", "c", 1);
    // No automatic repairs during the test.
    server.ok(&["bay", "pause", "c"]);
    eventually("the engine's view is known", PATIENCE, || (node(&server, "c-worker-0")["ready"] == true).then_some(()));
    let uuid = server.uuid_of("c");
    let (master, worker) = (container_of(&uuid, "c-master-0").unwrap(), container_of(&uuid, "c-worker-0").unwrap());
    docker_output(&["pause", &worker]);
    assert_eq!(docker_output(&["inspect", "-f", "{{.State.Paused}}", &worker]), "true", "the fault has struck");
    docker_output(&["exec", &master, "docker", "-H", "unix:///run/docker.sock", "node", "rm", "--force", "c-worker-0"]);
    let removed = Instant::now();
    let nodes = ["exec", &master, "docker", "-H", "unix:///run/docker.sock", "node", "ls", "--format", "{{.Hostname}}"];
    assert_eq!(docker_output(&nodes), "c-master-0", "it is gone");
    eventually("the engine does not know it", PATIENCE, || {
        (node(&server, "c-worker-0")["reason"] == "the engine does not know it").then_some(())
    });
    let took = removed.elapsed();
    assert!(took <= SOON, "{took:?}");
    server.ok(&["bay", "delete", "c", "--watch"]);
}
