//! Rejected requests: invalid input, other projects' resources, wrong and expired tokens. Each returns a clear 4xx, and
//! nothing changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use jeroboam_tests::{Server, containers_of, eventually, run};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn clusters_and_templates_of_bad_input_are_refused_by_the_command_line() {
    let server = Server::start();
    let long = "a".repeat(243);
    let cases: &[(&[&str], &str)] = &[
        (&["bay", "create", &long, "--baymodel", "swarm"], "name"),
        (&["bay", "create", "no name", "--baymodel", "swarm"], "name"),
        (&["bay", "create", "c", "--baymodel", "swarm", "--node-count", "0"], "--node-count"),
        (&["bay", "create", "c", "--baymodel", "swarm", "--node-count=-1"], "node_count"),
        (&["bay", "create", "c", "--baymodel", "swarm", "--node-count", "10000"], "node_count"),
        (&["bay", "create", "c", "--baymodel", "no-such"], "no-such"),
        (&["bay", "create", "c", "--baymodel", "kubernetes", "--labels", "flannel_backend=pigeon"], "flannel_backend"),
        (&["baymodel", "create", "b", "--coe", "kubernetes", "--image", "no-such-image"], "image_id"),
        (&["pod", "list", "--bay", "no-such"], "no-such"),
    ];
    for (args, named) in cases {
        let answer = server.cli(args);
        assert!((1..=3).contains(&answer.code), "{answer:?}");
        assert!(answer.err.contains(named), "does not name {named}: {answer:?}");
    }
    nothing_was_made(&server);
}

#[test]
fn clusters_and_templates_of_bad_input_are_refused_by_the_api() {
    let server = Server::start();
    let token = server.token("jeroboam");
    let cluster = |field: &str, value: Value| {
        let mut body = json!({"name": "c", "cluster_template_id": "swarm"});
        body[field] = value;
        body
    };
    let template = |field: &str, value: Value| {
        let mut body = json!({"name": "t", "coe": "kubernetes", "image_id": "debian-13"});
        body[field] = value;
        body
    };
    let bay = |count: i64| json!({"name": "c", "baymodel_id": "swarm", "node_count": count});
    for (path, field, body) in [
        ("/v1/clusters", "name", cluster("name", json!("a".repeat(243)))),
        ("/v1/clusters", "name", cluster("name", json!("../etc"))),
        ("/v1/bays", "node_count", bay(0)),
        ("/v1/bays", "node_count", bay(-1)),
        ("/v1/clusters", "node_count", cluster("node_count", json!(-1))),
        ("/v1/clusters", "node_count", cluster("node_count", json!(10_000))),
        ("/v1/clusters", "node_count", cluster("node_count", json!("many"))),
        ("/v1/clusters", "master_count", cluster("master_count", json!(2))),
        ("/v1/clusters", "cluster_template_id", cluster("cluster_template_id", json!("no-such"))),
        ("/v1/clusters", "colour", cluster("colour", json!("red"))),
        ("/v1/clustertemplates", "image_id", template("image_id", json!("no-such-image"))),
        ("/v1/clustertemplates", "coe", template("coe", json!("mesos"))),
    ] {
        let reply = server.call("POST", path, &token, Some(&body));
        assert!((400..500).contains(&reply.status), "{body}: {reply:?}");
        assert_eq!(reply.fault().0, field, "{body}: {reply:?}");
        assert!(reply.fault().1.len() > field.len() + 5, "says what is wrong with it: {reply:?}");
    }
    nothing_was_made(&server);
}

fn nothing_was_made(server: &Server) {
    assert_eq!(server.json(&["bay", "list"]).as_array().unwrap().len(), 0);
    assert_eq!(server.json(&["operation", "list"]).as_array().unwrap().len(), 0);
    assert_eq!(server.json(&["baymodel", "list"]).as_array().unwrap().len(), 2);
}

// Covers: R328, W015, W016.
#[test]
fn a_cluster_of_another_project_is_not_there() {
    let server = Server::start();
    let admin = |args: &[&str]| {
        let answer = server.cli_as("jeroboam-admin", args);
        assert_eq!(answer.code, 0, "{answer:?}\nserver: {}", server.log_tail());
        answer.out
    };
    admin(&["bay", "create", "theirs", "--baymodel", "kubernetes", "--node-count", "1", "--watch"]);
    let pod = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/web-pod.yaml").display().to_string();
    admin(&["pod", "create", "--bay", "theirs", "--manifest", &pod]);
    let shown: Value = serde_json::from_str(&admin(&["bay", "show", "theirs", "-o", "json"])).unwrap();
    let uuid = shown["uuid"].as_str().unwrap();
    let operations: Value = serde_json::from_str(&admin(&["operation", "list", "-o", "json"])).unwrap();
    let operation = operations[0]["uuid"].as_str().unwrap();
    let containers = containers_of(uuid);

    for list in ["bay", "operation", "container"] {
        assert_eq!(server.json(&[list, "list"]).as_array().unwrap().len(), 0, "{list}");
    }
    by_the_command_line(&server, uuid, operation, &pod);
    by_the_api(&server, uuid, operation, &std::fs::read_to_string(&pod).unwrap());

    let after: Value = serde_json::from_str(&admin(&["bay", "show", "theirs", "-o", "json"])).unwrap();
    assert_eq!((&after["status"], &after["node_count"]), (&"CREATE_COMPLETE".into(), &shown["node_count"]));
    assert_eq!(containers_of(uuid), containers);
    let pods: Value = serde_json::from_str(&admin(&["pod", "list", "--bay", "theirs", "-o", "json"])).unwrap();
    assert_eq!(pods.as_array().unwrap().len(), 1);
    admin(&["bay", "delete", "theirs", "--watch"]);
    assert_eq!(server.marked(uuid), Vec::<String>::new());
}

fn by_the_command_line(server: &Server, uuid: &str, operation: &str, pod: &str) {
    for ident in ["theirs", uuid] {
        let cases: &[&[&str]] = &[
            &["bay", "show", ident],
            &["bay", "topology", ident],
            &["bay", "config", ident, "--stdout"],
            &["bay", "scale", ident, "2", "--no-wait"],
            &["bay", "retry", ident],
            &["bay", "delete", ident, "--no-wait"],
            &["operation", "show", ident],
            &["operation", "cancel", ident],
            &["pod", "list", "--bay", ident],
            &["pod", "show", "web", "--bay", ident],
            &["pod", "delete", "web", "--bay", ident],
            &["service", "list", "--bay", ident],
            &["rc", "list", "--bay", ident],
            &["container", "list", "--bay", ident],
        ];
        for args in cases {
            let answer = server.cli(args);
            assert_eq!(answer.code, 3, "{answer:?}");
        }
        let answer = server.cli(&["pod", "create", "--bay", ident, "--manifest", pod]);
        assert!(answer.code != 0 && answer.err.contains("bay_uuid"), "{answer:?}");
    }
    for args in
        [["operation", "show", operation], ["operation", "watch", operation], ["operation", "cancel", operation]]
    {
        let answer = server.cli(&args);
        assert_eq!(answer.code, 3, "{answer:?}");
    }
}

fn by_the_api(server: &Server, uuid: &str, operation: &str, manifest: &str) {
    let token = server.token("jeroboam");
    let patch = json!([{"op": "replace", "path": "/node_count", "value": 2}]);
    let resize = json!({"node_count": 2});
    for ident in ["theirs", uuid] {
        let cluster = format!("/v1/clusters/{ident}");
        for (method, path, body) in [
            ("GET", cluster.clone(), None),
            ("GET", format!("/v1/bays/{ident}"), None),
            ("PATCH", cluster.clone(), Some(&patch)),
            ("DELETE", cluster.clone(), None),
            ("GET", format!("{cluster}/topology"), None),
            ("GET", format!("{cluster}/nodegroups"), None),
            ("GET", format!("{cluster}/nodegroups/default-worker"), None),
            ("POST", format!("{cluster}/actions/resize"), Some(&resize)),
            ("POST", format!("{cluster}/actions/retry"), None),
            ("GET", format!("/v1/certificates/{ident}"), None),
            ("GET", format!("/v1/pods?bay_ident={ident}"), None),
            ("GET", format!("/v1/pods/web?bay_ident={ident}"), None),
            ("DELETE", format!("/v1/pods/web?bay_ident={ident}"), None),
            ("GET", format!("/v1/rcs/web?bay_ident={ident}"), None),
            ("DELETE", format!("/v1/rcs/web?bay_ident={ident}"), None),
            ("GET", format!("/v1/operations/{operation}"), None),
            ("GET", format!("/v1/operations/{operation}/events"), None),
            ("POST", format!("/v1/operations/{operation}/actions/cancel"), None),
        ] {
            let reply = server.call(method, &path, &token, body);
            assert_eq!(reply.status, 404, "{reply:?}");
        }
        // If the body names the cluster, the error names that field.
        for (path, field, body) in [
            ("/v1/pods", "bay_uuid", json!({"bay_uuid": ident, "manifest": manifest})),
            ("/v1/certificates", "cluster_uuid", json!({"cluster_uuid": ident, "csr": "x"})),
        ] {
            let reply = server.call("POST", path, &token, Some(&body));
            assert!((400..500).contains(&reply.status), "{reply:?}");
            assert_eq!(reply.fault().0, field, "{reply:?}");
        }
    }
}

#[test]
fn without_the_right_token_or_password_nobody_gets_in() {
    let server = Server::start();
    let good = server.token("jeroboam");
    assert_eq!(server.call("GET", "/v1/clusters", &good, None).status, 200);
    let mut flipped = good.clone();
    let last = if flipped.pop() == Some('A') { 'B' } else { 'A' };
    flipped.push(last);
    let halved = &good[..good.len() / 2];
    for bad in ["", "x", &flipped, halved, &"A".repeat(good.len()), &"A".repeat(7000)] {
        let reply = server.call("GET", "/v1/clusters", bad, None);
        assert_eq!(reply.status, 401, "{reply:?}");
        let body = json!({"name": "c", "cluster_template_id": "swarm"});
        assert_eq!(server.call("POST", "/v1/clusters", bad, Some(&body)).status, 401);
    }
    assert_eq!(server.login("jeroboam", Some("wrong")).status, 401);
    assert_eq!(server.login("jeroboam", Some("")).status, 401);

    // A client with a wrong password gets an error that says so.
    let file = server.data().join("clouds.yaml");
    let right = std::fs::read_to_string(&file).unwrap();
    let wrong: String = right
        .lines()
        .map(|line| match line.split_once("password:") {
            Some((before, _)) => format!("{before}password: wrong\n"),
            None => format!("{line}\n"),
        })
        .collect();
    std::fs::write(&file, wrong).unwrap();
    let answer = server.cli(&["bay", "list"]);
    assert_eq!(answer.code, 4, "{answer:?}");
    assert!(answer.err.contains("password"), "{answer:?}");
    std::fs::write(&file, right).unwrap();
    nothing_was_made(&server);
}

#[test]
fn an_expired_token_is_refused_and_clients_get_themselves_a_new_one() {
    let server = Server::with(&["--token-seconds", "2"]);
    let token = server.token("jeroboam");
    assert_eq!(server.call("GET", "/v1/clusters", &token, None).status, 200);
    let refused = eventually("the token has expired", PATIENCE, || {
        let reply = server.call("GET", "/v1/clusters", &token, None);
        (reply.status != 200).then_some(reply)
    });
    assert_eq!(refused.status, 401, "{refused:?}");
    let body = json!({"name": "c", "cluster_template_id": "swarm"});
    assert_eq!(server.call("POST", "/v1/clusters", &token, Some(&body)).status, 401);
    nothing_was_made(&server);
    // The watch lasts longer than a token.
    server.create("swarm", "c", 1);
    server.ok(&["bay", "delete", "c", "--watch"]);
}

/// Changes a cluster to one of an earlier release. Only while no server is running.
fn age(server: &Server, cluster: &str) {
    let script = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\n\
                  c.execute('UPDATE clusters SET engine_version=? WHERE name=?', ('v1.20.2', sys.argv[2]))\nc.commit()\n";
    let database = server.data().join("jeroboam.db");
    run("python3", &["-c", script, database.to_str().unwrap(), cluster], &[]);
}

#[test]
fn clusters_of_a_version_that_is_not_run_any_more_are_left_by_their_users_and_deleted() {
    let mut server = Server::start();
    server.create("kubernetes", "old", 1);
    server.settle("old", "CREATE_COMPLETE");
    let uuid = server.uuid_of("old");
    server.kill();
    age(&server, "old");
    server.restart();
    let mut seen = 0;
    let _ = server.log_from(&mut seen);

    for args in [
        &["bay", "resize", "old", "2"][..],
        &["bay", "upgrade", "old", "kubernetes"],
        &["nodegroup", "create", "old", "more"],
        &["ca", "rotate", "old"],
        &["pod", "list", "--bay", "old"],
        &["service", "list", "--bay", "old"],
    ] {
        let answer = server.cli(args);
        assert!(answer.code != 0 && answer.err.contains("HTTP 409"), "{answer:?}");
        for words in ["runs Kubernetes v1.20.2", "1.34 to 1.37", "jeroboam bay config old", "delete"] {
            assert!(answer.err.contains(words), "{words}: {answer:?}");
        }
    }
    assert_eq!(server.json(&["bay", "show", "old"])["engine_version"], "v1.20.2");
    let dir = server.scratch("config");
    server.ok(&["bay", "config", "old", "--dir", dir.to_str().unwrap()]);
    let nodes = run("kubectl", &["get", "nodes", "--no-headers"], &[("KUBECONFIG", &dir.join("config"))]);
    assert_eq!(nodes.lines().filter(|line| line.contains(" Ready")).count(), 2, "{nodes}");
    let log = server.log_from(&mut seen);
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");

    server.ok(&["bay", "delete", "old", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
}
