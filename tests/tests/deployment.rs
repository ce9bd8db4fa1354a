//! A database that was restored from an older state, and a copy that runs beside the original: both are detected and
//! reported, and nothing is created or removed until the operator has decided.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jeroboam_tests::{Answer, Living, Server, Setup, eventually};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(120);

fn admin(server: &Server, args: &[&str]) -> Answer {
    server.cli_as("jeroboam-admin", args)
}

fn admin_json(server: &Server, args: &[&str]) -> Value {
    let answer = admin(server, &[args, &["-o", "json"]].concat());
    assert_eq!(answer.code, 0, "{answer:?}\nserver: {}", server.log_tail());
    serde_json::from_str(&answer.out).unwrap()
}

/// Kinds of the evidence for a hold; empty without a hold.
fn evidence(server: &Server) -> Vec<String> {
    let shown = admin_json(server, &["deployment", "show"]);
    let evidence = shown["hold"]["evidence"].as_array().cloned().unwrap_or_default();
    evidence.iter().map(|found| found["kind"].as_str().unwrap().to_owned()).collect()
}

/// Asserts that a request for an operation is rejected, and the error says what to do.
fn assert_refuses(server: &Server) {
    let refused = server.cli(&["bay", "create", "refused", "--baymodel", "swarm", "--no-wait"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(refused.err.contains("deployment accept"), "{refused:?}");
    assert!(!server.ok(&["bay", "list"]).contains("refused"));
}

/// Copies the files of a closed database over the existing ones.
fn copy_database(from: &Path, to: &Path) {
    for name in ["jeroboam.db", "jeroboam.db-wal", "jeroboam.db-shm"] {
        let _ = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

/// A server with a database from before the creation of its cluster `c`: the cluster's id, its resources, and the
/// current database.
struct Yesterday {
    server: Server,
    uuid: String,
    marked: Vec<String>,
    today: tempfile::TempDir,
}

impl Yesterday {
    fn new() -> Self {
        let mut server = Server::start();
        let (today, yesterday) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        server.kill();
        copy_database(&server.data(), yesterday.path());
        server.restart();
        server.create("swarm", "c", 1);
        let uuid = server.uuid_of("c");
        let marked = server.marked(&uuid);
        assert!(!marked.is_empty());
        server.kill();
        copy_database(&server.data(), today.path());
        copy_database(yesterday.path(), &server.data());
        server.restart();
        assert_eq!(server.json(&["bay", "list"]).as_array().unwrap().len(), 0, "the fault has struck");
        Self { server, uuid, marked, today }
    }
}

#[test]
fn yesterdays_database_is_held_and_todays_goes_on_when_it_is_back() {
    let Yesterday { mut server, uuid, marked, today } = Yesterday::new();
    let found = evidence(&server);
    assert!(found.contains(&"instance".to_owned()) && found.contains(&"number".to_owned()), "{found:?}");
    assert!(server.log_tail().contains("deployment_held"), "it is logged at start: {}", server.log_tail());
    assert_refuses(&server);
    eventually("an agent has sent a higher number", PATIENCE, || {
        evidence(&server).contains(&"agent".to_owned()).then_some(())
    });
    assert_eq!(server.marked(&uuid), marked, "nothing was removed");

    server.kill();
    copy_database(today.path(), &server.data());
    server.restart();
    assert_eq!(evidence(&server), Vec::<String>::new());
    server.ok(&["bay", "resize", "c", "2", "--watch"]);
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
}

#[test]
fn yesterdays_database_works_once_it_is_accepted_and_what_it_does_not_know_is_an_orphan() {
    let Yesterday { mut server, uuid, marked, .. } = Yesterday::new();
    assert!(!evidence(&server).is_empty());
    let refused = admin(&server, &["orphan", "delete", &uuid, "--yes"]);
    assert!(refused.code != 0 && refused.err.contains("deployment accept"), "{refused:?}");
    let accepted = admin_json(&server, &["deployment", "accept"]);
    assert!(accepted["hold"].is_null(), "{accepted:#}");

    server.create("swarm", "d", 1);
    server.kill();
    server.restart();
    assert_eq!(evidence(&server), Vec::<String>::new(), "it stays accepted");
    assert_eq!(server.marked(&uuid), marked, "an orphan is left alone");
    let orphans = admin_json(&server, &["orphan", "list"]);
    assert_eq!(orphans.as_array().unwrap().len(), 1, "{orphans:#}");
    assert_eq!((orphans[0]["uuid"].as_str(), orphans[0]["name"].as_str()), (Some(uuid.as_str()), Some("c")));
    assert_eq!(orphans[0]["machines"].as_array().unwrap().len(), 2, "{orphans:#}");
    assert_eq!(admin(&server, &["orphan", "delete", &uuid]).code, 2, "not without --yes");
    assert_eq!(admin(&server, &["orphan", "delete", &uuid, "--yes"]).code, 0);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
    assert!(server.log_tail().contains("an orphan was removed on request"));
    server.ok(&["bay", "delete", "d", "--watch"]);
}

#[test]
fn a_swarm_that_the_database_does_not_know_is_taken_over_with_all_that_is_in_it() {
    taken_over("swarm");
}

#[test]
fn a_kubernetes_cluster_that_the_database_does_not_know_is_taken_over_with_all_that_is_in_it() {
    taken_over("kubernetes");
}

fn taken_over(kind: &'static str) {
    let mut server = Server::start();
    let uuid = Living::new(&server, kind).uuid;
    let disks = Living::found(&server, kind).disks();
    server.kill();
    // The agents' CA is lost with the database, so no agent trusts the new one.
    for name in ["jeroboam.db", "jeroboam.db-wal", "jeroboam.db-shm"] {
        let _ = std::fs::remove_file(server.data().join(name));
    }
    server.restart();
    assert_eq!(server.json(&["bay", "list"]).as_array().unwrap().len(), 0, "the fault has struck");
    admin_json(&server, &["deployment", "accept"]);

    let adopt = ["orphan", "adopt", uuid.as_str(), "--cluster-template"];
    let refused = admin(&server, &[&adopt[..], &["nonsense"]].concat());
    assert!(refused.code != 0 && refused.err.contains("nonsense"), "{refused:?}");
    assert_ne!(server.cli(&[&adopt[..], &[kind]].concat()).code, 0, "administrators only");
    assert_eq!(admin_json(&server, &["orphan", "list"]).as_array().unwrap().len(), 1, "it is an orphan still");
    let answer = admin(&server, &[&adopt[..], &[kind, "--watch"]].concat());
    assert_eq!(answer.code, 0, "{answer:?}\nserver: {}", server.log_tail());

    assert_eq!(server.uuid_of("c"), uuid);
    // It belongs to the user who adopted it.
    let living = Living::found_as(&server, kind, "jeroboam-admin");
    assert_eq!(living.disks(), disks, "the same disks");
    living.assert_precious("after it was adopted");
    server.ok(&["bay", "resize", "c", "2", "--watch"]);
    assert_eq!(admin_json(&server, &["orphan", "list"]).as_array().unwrap().len(), 0);
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
}

#[test]
fn a_copy_of_a_data_folder_beside_the_original_is_held_and_the_original_goes_on() {
    let original = Server::start();
    original.create("swarm", "old", 1);
    let old = original.uuid_of("old");
    // The original is stopped meanwhile, so that both have the same number.
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &original.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    };
    let data = original.scratch("copy");
    signal("-STOP");
    let copied = Command::new("cp").arg("-a").arg(original.data()).arg(&data).status().unwrap();
    signal("-CONT");
    assert!(copied.success());

    let copy = Server::set_up(Setup { data: Some(data), ..Setup::default() });
    assert_eq!(copy.uuid_of("old"), old, "the fault has struck");
    assert!(evidence(&copy).contains(&"neighbour".to_owned()), "{:?}", evidence(&copy));
    assert_refuses(&copy);
    original.create("swarm", "new", 1);
    original.ok(&["bay", "resize", "old", "2", "--watch"]);
    assert_eq!(evidence(&original), Vec::<String>::new());
    let refused = admin(&copy, &["deployment", "accept"]);
    assert!(refused.code != 0 && refused.err.contains("still answers"), "{refused:?}");
    let (of_old, of_new) = (original.marked(&old), original.marked(&original.uuid_of("new")));

    let renamed = admin_json(&copy, &["deployment", "new-id"]);
    assert_ne!(renamed["id"], admin_json(&original, &["deployment", "show"])["id"]);
    copy.create("swarm", "own", 1);
    eventually("the copy reports the cluster as missing", PATIENCE, || {
        let shown = copy.json(&["bay", "show", "old"]);
        let says = shown["health_status_reason"]["cluster"]
            .as_str()
            .is_some_and(|why| why.contains("nothing at the infrastructure"));
        (shown["health_status"] == "UNHEALTHY" && says).then_some(())
    });
    copy.ok(&["bay", "delete", "own", "old", "--watch"]);
    assert_eq!(admin_json(&copy, &["orphan", "list"]).as_array().unwrap().len(), 0, "they are the original's");
    assert_eq!(original.marked(&old), of_old, "the original's machines are as they were");
    assert_eq!(original.marked(&original.uuid_of("new")), of_new);
    assert_eq!(evidence(&original), Vec::<String>::new());
    original.ok(&["bay", "delete", "old", "new", "--watch"]);
}
