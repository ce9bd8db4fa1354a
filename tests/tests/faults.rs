//! What goes wrong on real parts: killed servers, killed nodes, a stopped Docker Engine, a full disk, a locked
//! database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use jeroboam_tests::{Server, docker_output, eventually, marked};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn a_server_killed_at_every_step_of_a_kubernetes_cluster_ends_as_if_nothing_had_happened() {
    killed_at_every_step("kubernetes");
}

#[test]
fn a_server_killed_at_every_step_of_a_swarm_ends_as_if_nothing_had_happened() {
    killed_at_every_step("swarm");
}

fn killed_at_every_step(kind: &str) {
    let mut server = Server::start();
    server.ok(&["bay", "create", "c", "--baymodel", kind, "--node-count", "2", "--no-wait"]);
    let uuid = server.uuid_of("c");
    let steps = kill_at_every_step(&mut server, &uuid);
    for expected in ["secrets", "network", "machine/c-master-0", "node/c-worker-1", "engine", "ready/c-worker-1"] {
        assert!(steps.contains(expected), "never seen: {expected} in {steps:?}");
    }
    assert_eq!(server.json(&["bay", "show", "c"])["status"], "CREATE_COMPLETE");
    assert_eq!(containers_of(&uuid).len(), 3, "no second container");

    server.ok(&["bay", "delete", "c", "--no-wait"]);
    let steps = kill_at_every_step(&mut server, &uuid);
    for expected in ["remove-machine/c-master-0", "remove-network", "remove-secrets"] {
        assert!(steps.contains(expected), "never seen: {expected} in {steps:?}");
    }
    assert_eq!(server.marked(&uuid), Vec::<String>::new(), "no orphan");
}

/// Kills and restarts the server at the first sight of each step, until the newest operation has ended, which must be
/// in success. Gives the steps at which it was killed.
fn kill_at_every_step(server: &mut Server, cluster: &str) -> BTreeSet<String> {
    let operation = server.newest_operation(cluster)["uuid"].as_str().unwrap().to_owned();
    let mut killed_at = BTreeSet::new();
    let started = Instant::now();
    let mut seen_of_log = 0;
    let mut next_look = Instant::now();
    loop {
        assert!(started.elapsed() < PATIENCE, "does not end: {:#}", server.newest_operation(cluster));
        let log = server.log_from(&mut seen_of_log);
        let new: Vec<String> = steps_begun(&log, &operation).filter(|key| !killed_at.contains(key)).collect();
        if new.is_empty() {
            if Instant::now() >= next_look {
                let now = server.newest_operation(cluster);
                match now["status"].as_str().unwrap() {
                    "succeeded" => return killed_at,
                    "failed" | "cancelled" => panic!("{now:#}"),
                    _ => next_look = Instant::now() + Duration::from_millis(500),
                }
            }
            std::thread::sleep(Duration::from_millis(2));
            continue;
        }
        killed_at.extend(new);
        server.kill();
        server.restart();
    }
}

/// Keys of steps that a piece of the server's log says were begun.
fn steps_begun<'a>(log: &'a str, operation: &'a str) -> impl Iterator<Item = String> + 'a {
    log.lines()
        .filter(move |line| line.contains("step begins") && line.contains(operation))
        .filter_map(|line| line.split("step=\"").nth(1)?.split('"').next().map(ToOwned::to_owned))
}

fn containers_of(cluster: &str) -> Vec<String> {
    docker_output(&["ps", "-aq", "--filter", &format!("label=org.jeroboam.cluster={cluster}")])
        .split_whitespace()
        .map(ToOwned::to_owned)
        .collect()
}

fn container_of(cluster: &str, node: &str) -> Option<String> {
    let list = docker_output(&["ps", "-a", "--format", "{{.ID}} {{.Names}}", "--filter", &format!("label=org.jeroboam.cluster={cluster}")]);
    list.lines().find(|line| line.ends_with(node)).and_then(|line| line.split(' ').next().map(ToOwned::to_owned))
}

fn step<'a>(operation: &'a Value, key: &str) -> &'a Value {
    operation["steps"].as_array().unwrap().iter().find(|step| step["key"] == key).unwrap_or(&Value::Null)
}

#[test]
fn a_node_killed_while_creating_is_named_with_its_cause_and_retry_and_delete_both_work() {
    let server = Server::start();
    server.ok(&["bay", "create", "c", "--baymodel", "kubernetes", "--node-count", "1", "--no-wait"]);
    let uuid = server.uuid_of("c");
    let victim = eventually("the worker's container runs", PATIENCE, || {
        let running = step(&server.newest_operation(&uuid), "node/c-worker-0")["status"] == "running";
        running.then(|| container_of(&uuid, "c-worker-0")).flatten()
    });
    docker_output(&["kill", &victim]);
    let operation = eventually("the operation has ended", PATIENCE, || {
        let now = server.newest_operation(&uuid);
        (now["status"] == "failed").then_some(now)
    });
    let cause = &step(&operation, "node/c-worker-0")["cause"];
    assert_eq!(cause["code"], "machine_stopped", "{operation:#}");
    let message = cause["message"].as_str().unwrap();
    assert!(message.contains("c-worker-0") && message.contains("137"), "{message}");
    let shown = server.json(&["bay", "show", "c"]);
    assert_eq!(shown["status"], "CREATE_FAILED");
    assert!(shown["status_reason"].as_str().unwrap().contains("c-worker-0"));

    server.ok(&["bay", "retry", "c", "--watch"]);
    assert_eq!(server.json(&["bay", "show", "c"])["status"], "CREATE_COMPLETE");
    assert_eq!(containers_of(&uuid).len(), 2);

    server.ok(&["bay", "create", "d", "--baymodel", "swarm", "--node-count", "1", "--no-wait"]);
    let other = server.uuid_of("d");
    let victim = eventually("the manager's container is there", PATIENCE, || container_of(&other, "d-master-0"));
    docker_output(&["kill", &victim]);
    server.ok(&["bay", "delete", "d", "--watch"]);
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(marked(&format!("org.jeroboam.cluster={other}")), Vec::<String>::new());
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
}

#[test]
fn two_clusters_made_at_the_same_moment_and_with_the_same_name_are_two() {
    let server = Server::start();
    let make = || server.json(&["bay", "create", "twin", "--baymodel", "swarm", "--node-count", "1", "--no-wait"]);
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(make);
        let two = scope.spawn(make);
        (one.join().unwrap(), two.join().unwrap())
    });
    let ids: Vec<String> = [one, two].iter().map(|made| made["uuid"].as_str().unwrap().to_owned()).collect();
    assert_ne!(ids[0], ids[1]);
    for id in &ids {
        eventually("it is complete", PATIENCE, || {
            (server.json(&["bay", "show", id])["status"] == "CREATE_COMPLETE").then_some(())
        });
    }
    let ambiguous = server.cli(&["bay", "show", "twin"]);
    assert_ne!(ambiguous.code, 0);
    assert!(ambiguous.err.to_lowercase().contains("uuid"), "it says what to do: {}", ambiguous.err);
    for id in &ids {
        server.ok(&["bay", "delete", id, "--watch"]);
        assert_eq!(server.marked(id), Vec::<String>::new());
    }
}

#[test]
fn deleting_while_creating_leaves_nothing_and_scaling_then_is_refused() {
    let server = Server::start();
    server.ok(&["bay", "create", "c", "--baymodel", "swarm", "--node-count", "2", "--no-wait"]);
    let uuid = server.uuid_of("c");
    let refused = server.cli(&["bay", "scale", "c", "3"]);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("CREATE_IN_PROGRESS"), "{}", refused.err);
    eventually("machines are being made", PATIENCE, || (!containers_of(&uuid).is_empty()).then_some(()));
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
    let operations = server.json(&["operation", "list", "--cluster", &uuid]);
    let of = |kind: &str| {
        operations.as_array().unwrap().iter().find(|operation| operation["kind"] == kind).unwrap()["status"].clone()
    };
    assert_eq!((of("create"), of("delete")), ("cancelled".into(), "succeeded".into()));
}

#[test]
fn an_image_that_does_not_exist_and_other_bad_input_change_nothing() {
    let server = Server::start();
    let long = "a".repeat(243);
    let cases: &[(&[&str], &str)] = &[
        (&["bay", "create", &long, "--baymodel", "swarm"], "name"),
        (&["bay", "create", "c", "--baymodel", "swarm", "--node-count", "0"], "node_count"),
        (&["bay", "create", "c", "--baymodel", "swarm", "--node-count=-1"], "node_count"),
        (&["bay", "create", "c", "--baymodel", "swarm", "--node-count", "10000"], "node_count"),
        (&["bay", "create", "c", "--baymodel", "no-such"], "no-such"),
        (&["bay", "create", "c", "--baymodel", "kubernetes", "--labels", "flannel_backend=carrier-pigeon"], "flannel_backend"),
        (&["baymodel", "create", "b", "--coe", "kubernetes", "--image", "no-such-image"], "image_id"),
        (&["pod", "list", "--bay", "no-such"], "no-such"),
    ];
    for (args, named) in cases {
        let answer = server.cli(args);
        assert_ne!(answer.code, 0, "{answer:?}");
        assert!(answer.err.contains(named), "does not name {named}: {answer:?}");
    }
    assert_eq!(server.json(&["bay", "list"]).as_array().unwrap().len(), 0);
    assert_eq!(server.json(&["baymodel", "list"]).as_array().unwrap().len(), 2);
}

#[test]
fn a_locked_database_gives_a_5xx_with_its_cause_and_nothing_half_written() {
    let server = Server::start();
    let script = "import sqlite3,sys,time\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\nc.execute('BEGIN EXCLUSIVE')\nprint('locked',flush=True)\nsys.stdin.read()\n";
    let mut lock = Command::new("python3")
        .args(["-c", script])
        .arg(server.data().join("jeroboam.db"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(lock.stdout.as_mut().unwrap()), &mut said).unwrap();
    assert_eq!(said.trim(), "locked");
    let answer = server.cli(&["bay", "create", "c", "--baymodel", "swarm", "--no-wait"]);
    lock.kill().unwrap();
    lock.wait().unwrap();
    assert_ne!(answer.code, 0);
    assert!(answer.err.contains("HTTP 503") || answer.err.contains("HTTP 500"), "{answer:?}");
    assert!(answer.err.to_lowercase().contains("database"), "{answer:?}");
    assert_eq!(server.json(&["bay", "list"]).as_array().unwrap().len(), 0);
    server.ok(&["bay", "create", "c", "--baymodel", "swarm", "--node-count", "1", "--watch"]);
    server.ok(&["bay", "delete", "c", "--watch"]);
}
