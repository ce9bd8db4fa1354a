//! Servers that are killed: at every step, and between operations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use jeroboam_tests::{
    Events, Living, Outage, Server, Setup, container_of, containers_of, docker_output, eventually, run,
};

const PATIENCE: Duration = Duration::from_secs(180);

// Covers: R352.
#[test]
fn a_server_killed_at_every_step_of_a_kubernetes_cluster_ends_as_if_nothing_had_happened() {
    killed_at_every_step("kubernetes");
}

// Covers: R352.
#[test]
fn a_server_killed_at_every_step_of_a_swarm_ends_as_if_nothing_had_happened() {
    killed_at_every_step("swarm");
}

/// Time without a new step after which the operation's status is checked.
const QUIET: Duration = Duration::from_millis(500);

fn killed_at_every_step(kind: &str) {
    let mut server = Server::start();
    server.ok(&["bay", "create", "c", "--baymodel", kind, "--node-count", "2", "--no-wait"]);
    let uuid = server.uuid_of("c");
    let killed_at = kill_at_every_step(&mut server, &uuid);
    // Whether there is a step that waits for a ready node depends on how long the restarts took.
    for expected in ["secrets", "network", "machine/c-master-0", "machine/c-worker-1", "node/c-worker-1", "engine"] {
        assert!(killed_at.contains(expected), "never seen: {expected} in {killed_at:?}");
    }
    assert_eq!(server.json(&["bay", "show", "c"])["status"], "CREATE_COMPLETE");
    assert_eq!(containers_of(&uuid).len(), 3, "no second container");
    let networks = docker_output(&["network", "ls", "-q", "--filter", &format!("label=org.jeroboam.cluster={uuid}")]);
    assert_eq!(networks.lines().count(), 1, "no second network");

    server.ok(&["bay", "scale", "c", "3", "--no-wait"]);
    let killed_at = kill_at_every_step(&mut server, &uuid);
    assert!(killed_at.contains("machine/c-worker-2"), "never seen: the new node's machine in {killed_at:?}");
    assert_eq!(containers_of(&uuid).len(), 4);
    server.ok(&["bay", "scale", "c", "1", "--no-wait"]);
    let killed_at = kill_at_every_step(&mut server, &uuid);
    for expected in ["drain/c-worker-1", "remove-machine/c-worker-2", "forget/c-worker-2"] {
        assert!(killed_at.contains(expected), "never seen: {expected} in {killed_at:?}");
    }
    let shown = server.json(&["cluster", "show", "c"]);
    assert_eq!((&shown["status"], shown["node_count"].as_u64()), (&"UPDATE_COMPLETE".into(), Some(1)));
    assert_eq!(containers_of(&uuid).len(), 2);
    assert_eq!(nodes_that_the_engine_knows(&server, kind), 2, "removed nodes are deleted from the engine");

    // Only the test repairs it.
    server.ok(&["bay", "pause", "c"]);
    let worker = container_of(&uuid, "c-worker-0").unwrap();
    docker_output(&["rm", "--force", &worker]);
    server.ok(&["bay", "repair", "c", "--no-wait"]);
    let killed_at = kill_at_every_step(&mut server, &uuid);
    assert!(killed_at.contains("machine/c-worker-0"), "never seen: the worker's machine in {killed_at:?}");
    assert_eq!(server.json(&["bay", "show", "c"])["status"], "UPDATE_COMPLETE", "a repair does not change it");
    assert_eq!(containers_of(&uuid).len(), 2);
    assert_ne!(container_of(&uuid, "c-worker-0").unwrap(), worker);

    server.ok(&["bay", "delete", "c", "--no-wait"]);
    let killed_at = kill_at_every_step(&mut server, &uuid);
    for expected in ["remove-machine/c-master-0", "remove-machine/c-worker-0", "remove-network", "remove-secrets"] {
        assert!(killed_at.contains(expected), "never seen: {expected} in {killed_at:?}");
    }
    assert_eq!(server.cli(&["bay", "show", "c"]).code, 3);
    assert_eq!(server.marked(&uuid), Vec::<String>::new(), "no orphan");
}

fn nodes_that_the_engine_knows(server: &Server, kind: &str) -> usize {
    let dir = server.scratch("config");
    server.ok(&["bay", "config", "c", "--dir", dir.to_str().unwrap()]);
    let nodes = if kind == "kubernetes" {
        run("kubectl", &["get", "nodes", "--no-headers"], &[("KUBECONFIG", &dir.join("config"))])
    } else {
        let api = server.json(&["cluster", "show", "c"])["api_address"].as_str().unwrap().replace("https://", "tcp://");
        let host = Path::new(&api);
        let tls = [("DOCKER_HOST", host), ("DOCKER_TLS_VERIFY", Path::new("1")), ("DOCKER_CERT_PATH", &dir)];
        run("docker", &["node", "ls", "-q"], &tls)
    };
    nodes.lines().count()
}

/// Kills and restarts the server when it first sees each step, and each Docker event in between (for example a
/// container that is created but not yet started), until the newest operation has finished, which must succeed. Returns
/// where the server was killed.
fn kill_at_every_step(server: &mut Server, cluster: &str) -> BTreeSet<String> {
    let operation = server.newest_operation(cluster)["uuid"].as_str().unwrap().to_owned();
    let events = Events::of(cluster);
    let mut killed_at = BTreeSet::new();
    let started = Instant::now();
    let mut seen_of_log = 0;
    let mut next_look = Instant::now();
    let mut kills = 0;
    loop {
        assert!(started.elapsed() < PATIENCE, "does not finish: {:#}", server.newest_operation(cluster));
        let mut new: BTreeSet<String> = steps_begun(&server.log_from(&mut seen_of_log), &operation).collect();
        new.extend(events.new_ones().into_iter().filter(|event| !event.contains("exec")));
        if !new.is_subset(&killed_at) {
            killed_at.extend(new);
            kills += 1;
            server.kill();
            server.restart();
            // A check takes as long as some steps, so check only when nothing has started for a while.
            next_look = Instant::now() + QUIET;
        } else if Instant::now() >= next_look {
            let now = server.newest_operation(cluster);
            match now["status"].as_str().unwrap() {
                "succeeded" => {
                    // Steps that started and finished during this check could not be interrupted.
                    killed_at.extend(steps_begun(&server.log_from(&mut seen_of_log), &operation));
                    println!("killed {kills} times, at: {killed_at:#?}");
                    return killed_at;
                }
                "failed" | "cancelled" => panic!("killed {kills} times: {now:#}"),
                _ => next_look = Instant::now() + QUIET,
            }
        } else {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Keys of the steps that were started according to this part of the server's log.
fn steps_begun<'a>(log: &'a str, operation: &'a str) -> impl Iterator<Item = String> + 'a {
    log.lines()
        .filter(move |line| line.contains("step begins") && line.contains(operation))
        .filter_map(|line| line.split("step=\"").nth(1)?.split('"').next().map(ToOwned::to_owned))
}

#[test]
fn agents_of_a_kubernetes_cluster_keep_working_after_the_server_was_killed() {
    agents_keep_working("kubernetes", "kubelet");
}

#[test]
fn agents_of_a_swarm_keep_working_after_the_server_was_killed() {
    agents_keep_working("swarm", "dockerd");
}

fn agents_keep_working(kind: &str, component: &str) {
    let mut server = Server::start();
    server.create(kind, "c", 1);
    let uuid = server.uuid_of("c");
    let before = containers_of(&uuid);
    server.kill();
    // An agent supervises its components also while the server is down.
    let worker = container_of(&uuid, "c-worker-0").expect("the worker has a container");
    let process = || docker_output(&["exec", &worker, "pidof", "-s", component]);
    let killed = process();
    assert!(!killed.is_empty(), "{component} does not run");
    docker_output(&["exec", &worker, "sh", "-c", &format!("kill -9 {killed}")]);
    eventually("the component runs again", PATIENCE, || {
        Some(process()).filter(|now| !now.is_empty() && *now != killed)
    });
    server.restart();

    // The agents report to the new server what happened meanwhile.
    eventually("the topology shows the restart, and all nodes up", PATIENCE, || {
        let topology = server.json(&["bay", "topology", "c"]);
        let nodes: Vec<_> =
            topology["node_groups"].as_array()?.iter().flat_map(|group| group["nodes"].as_array().unwrap()).collect();
        let is_up = nodes.iter().all(|node| node["phase"] == "up");
        let worker = nodes.iter().find(|node| node["name"] == "c-worker-0")?;
        let restarts =
            worker["components"].as_array()?.iter().find(|one| one["name"] == component)?["restarts"].as_u64();
        (is_up && restarts >= Some(1)).then_some(())
    });
    server.ok(&["bay", "scale", "c", "2", "--watch"]);
    let now = containers_of(&uuid);
    assert_eq!(now.len(), 3);
    assert!(before.iter().all(|id| now.contains(id)), "the existing nodes are unchanged");
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
}

mod slow {
    use super::*;

    #[test]
    fn a_kubernetes_cluster_comes_back_without_a_hand_after_the_host_has_lost_power() {
        power_is_lost("kubernetes");
    }

    #[test]
    fn a_swarm_comes_back_without_a_hand_after_the_host_has_lost_power() {
        power_is_lost("swarm");
    }

    fn power_is_lost(kind: &'static str) {
        let scratch = tempfile::tempdir().unwrap();
        let mut outage = Outage::possible_here(scratch.path());
        let mut server = Server::set_up(Setup { docker_host: outage.host(), ..Setup::default() });
        let uuid = Living::new(&server, kind).uuid;
        let started = || -> Vec<String> {
            let started = |id: &String| docker_output(&["inspect", "-f", "{{.State.StartedAt}}", id]);
            containers_of(&uuid).iter().map(started).collect()
        };
        let (machines, before) = (containers_of(&uuid), started());

        server.kill();
        outage.lose_power(&machines);
        outage.end();
        server.restart();

        eventually("all nodes are up again, in the engine too", PATIENCE, || {
            let topology = server.json(&["bay", "topology", "c"]);
            let groups = topology["node_groups"].as_array()?.iter();
            let mut nodes = groups.flat_map(|group| group["nodes"].as_array().unwrap());
            let is_up = nodes.all(|node| node["phase"] == "up" && node["ready"] == true);
            (is_up && started().iter().all(|at| !before.contains(at))).then_some(())
        });
        eventually("it is healthy", PATIENCE, || {
            (server.json(&["bay", "show", "c"])["health_status"] == "HEALTHY").then_some(())
        });
        Living::found(&server, kind).assert_precious("after the power came back");
        assert_eq!(server.json(&["bay", "show", "c"])["status"], "CREATE_COMPLETE");
        assert_eq!(containers_of(&uuid), machines, "the same machines");
    }
}
