//! Faults of real components: killed nodes, a stopped Docker Engine, a full disk, a locked database, concurrent
//! requests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jeroboam_tests::{
    Outage, Server, Setup, SmallDisk, container_of, containers_of, docker_output, eventually, marked,
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(120);

fn step<'a>(operation: &'a Value, key: &str) -> &'a Value {
    operation["steps"].as_array().unwrap().iter().find(|step| step["key"] == key).unwrap_or(&Value::Null)
}

#[test]
fn a_node_killed_while_creating_is_started_again_by_the_same_operation() {
    let server = Server::start();
    server.ok(&["bay", "create", "c", "--baymodel", "kubernetes", "--node-count", "1", "--no-wait"]);
    let uuid = server.uuid_of("c");
    let victim = worker_that_comes_up(&server, &uuid);
    docker_output(&["kill", &victim]);
    finished_in_success(&server, &uuid);
    let machine = step(&server.newest_operation(&uuid), "machine/c-worker-0").clone();
    assert_eq!(machine["attempts"], 2, "the fault has struck: {machine:#}");
    assert_eq!(container_of(&uuid, "c-worker-0"), Some(victim), "the same container");
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
}

// Covers: R347, W050.
#[test]
fn a_node_killed_whenever_it_runs_is_named_with_its_cause_and_retry_and_delete_both_work() {
    let server = Server::start();
    server.ok(&["bay", "create", "c", "--baymodel", "kubernetes", "--node-count", "1", "--no-wait"]);
    let uuid = server.uuid_of("c");
    let victim = worker_that_comes_up(&server, &uuid);
    let mut kills = 0;
    let operation = eventually("the operation has ended", PATIENCE, || {
        if docker_output(&["inspect", "-f", "{{.State.Running}}", &victim]) == "true" {
            docker_output(&["kill", &victim]);
            kills += 1;
        }
        let now = server.newest_operation(&uuid);
        (now["status"] == "failed").then_some(now)
    });
    assert!(kills > 2, "killed {kills} times only");
    let cause = &step(&operation, "machine/c-worker-0")["cause"];
    let cause = if cause.is_null() { &operation["cause"] } else { cause };
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

fn worker_that_comes_up(server: &Server, uuid: &str) -> String {
    eventually("the worker comes up", PATIENCE, || {
        let running = step(&server.newest_operation(uuid), "node/c-worker-0")["status"] == "running";
        running.then(|| container_of(uuid, "c-worker-0")).flatten()
    })
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

#[test]
fn a_docker_engine_that_is_away_holds_up_a_swarm_which_goes_on_by_itself_when_it_is_back() {
    engine_is_away("swarm", &["container", "create", "web", "--bay", "c", "--image", "jeroboam/nginx:1.22"]);
}

#[test]
fn a_docker_engine_that_is_away_holds_up_a_kubernetes_cluster_which_goes_on_by_itself_when_it_is_back() {
    let pod = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/web-pod.yaml").display().to_string();
    engine_is_away("kubernetes", &["pod", "create", "--bay", "c", "--manifest", &pod]);
}

fn engine_is_away(kind: &str, create_web: &[&str]) {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = Outage::possible_here(scratch.path());
    let server = Server::set_up(Setup { docker_host: engine.host(), ..Setup::default() });
    server.ok(&["bay", "create", "c", "--baymodel", kind, "--node-count", "1", "--no-wait"]);
    let uuid = server.uuid_of("c");
    // Once while machines are created, once while their agents start.
    for key in ["machine/c-worker-0", "node/c-worker-0"] {
        away_during(&mut engine, &server, &uuid, key);
    }
    finished_in_success(&server, &uuid);
    assert_eq!(server.json(&["bay", "show", "c"])["status"], "CREATE_COMPLETE");
    assert_eq!(containers_of(&uuid).len(), 2, "no second container");

    // A complete cluster recovers together with the engine.
    engine.begin();
    engine.end();
    eventually("it takes work again", PATIENCE, || (server.cli(create_web).code == 0).then_some(()));
    eventually("the work is done", PATIENCE, || {
        (server.json(&[create_web[0], "show", "web", "--bay", "c"])["status"] == "Running").then_some(())
    });
    eventually("all nodes are up again", PATIENCE, || all_up(&server.json(&["bay", "topology", "c"])).then_some(()));

    engine.begin();
    // The API answers without the engine.
    server.ok(&["bay", "delete", "c", "--no-wait"]);
    is_blocked(&server, &uuid);
    engine.end();
    finished_in_success(&server, &uuid);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
}

fn all_up(topology: &Value) -> bool {
    let groups = topology["node_groups"].as_array().unwrap().iter();
    groups.flat_map(|group| group["nodes"].as_array().unwrap()).all(|node| {
        node["phase"] == "up"
            && node["components"].as_array().unwrap().iter().all(|component| component["state"] == "up")
    })
}

/// Makes the engine unavailable when a step has started, until the operation is blocked, then available again.
fn away_during(engine: &mut Outage, server: &Server, cluster: &str, key: &str) {
    eventually(&format!("{key} has begun"), PATIENCE, || {
        (step(&server.newest_operation(cluster), key)["status"] == "running").then_some(())
    });
    engine.begin();
    is_blocked(server, cluster);
    engine.end();
}

fn is_blocked(server: &Server, cluster: &str) {
    let operation = eventually("the operation is blocked", PATIENCE, || {
        let now = server.newest_operation(cluster);
        assert!(now["status"] != "failed" && now["status"] != "succeeded", "{now:#}");
        (now["status"] == "blocked").then_some(now)
    });
    let cause = &operation["cause"];
    assert_eq!(cause["code"], "infrastructure_unavailable", "{operation:#}");
    assert_eq!(cause["who_must_act"], "cloud");
    assert!(cause["message"].as_str().unwrap().contains("Docker Engine"), "{cause:#}");
    assert!(cause["action"].as_str().unwrap().contains("Docker Engine"), "it says what to do: {cause:#}");
}

fn finished_in_success(server: &Server, cluster: &str) {
    let operation = eventually("the operation has ended", PATIENCE, || {
        let now = server.newest_operation(cluster);
        ["succeeded", "failed", "cancelled"].iter().any(|end| now["status"] == **end).then_some(now)
    });
    assert_eq!(operation["status"], "succeeded", "{operation:#}");
}

#[test]
fn a_full_disk_gives_a_5xx_with_its_cause_and_nothing_half_written() {
    // Enough for the database, small enough to be filled at once.
    let disk = SmallDisk::new(8);
    let server = Server::set_up(Setup { data: Some(disk.path().join("data")), ..Setup::default() });
    let token = server.token("jeroboam");
    let template = |name: &str| json!({"name": name, "coe": "swarm", "image_id": "debian-13"});
    let templates = || server.json(&["baymodel", "list"]).as_array().unwrap().len();

    disk.fill();
    // The database's write-ahead log may have room left for some writes.
    let mut made = templates();
    let refused = loop {
        let reply = server.call("POST", "/v1/clustertemplates", &token, Some(&template(&format!("t{made}"))));
        if reply.status != 201 {
            break reply;
        }
        made += 1;
        assert!(made < 1000, "a full disk accepts all writes");
    };
    assert_eq!(refused.status, 507, "{refused:?}");
    let error = &refused.body["errors"][0];
    assert_eq!((&error["code"], &error["reason"]), (&"server".into(), &"database_unwritable".into()), "{refused:?}");
    assert!(refused.fault().1.contains("disk"), "{refused:?}");
    let refused = server.cli(&["bay", "create", "c", "--baymodel", "swarm", "--no-wait"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("HTTP 507") && refused.err.contains("disk"), "{refused:?}");
    // Exactly the confirmed writes can be read.
    assert_eq!(templates(), made);
    assert_eq!(server.json(&["bay", "list"]).as_array().unwrap().len(), 0);
    assert_eq!(server.json(&["operation", "list"]).as_array().unwrap().len(), 0);

    disk.free();
    server.ok(&["bay", "create", "c", "--baymodel", "swarm", "--node-count", "1", "--no-wait"]);
    let uuid = server.uuid_of("c");
    // Once more, in the middle of an operation: it stops, and continues.
    eventually("machines are being made", PATIENCE, || (!containers_of(&uuid).is_empty()).then_some(()));
    disk.fill();
    eventually("the server has noticed", PATIENCE, || {
        (server.call("POST", "/v1/clustertemplates", &token, Some(&template("late"))).status == 507).then_some(())
    });
    disk.free();
    finished_in_success(&server, &uuid);
    assert_eq!(server.json(&["bay", "show", "c"])["status"], "CREATE_COMPLETE");
    assert_eq!(containers_of(&uuid).len(), 2);
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
}
