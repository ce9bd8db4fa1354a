//! Older and copied databases.

use std::path::Path;
use std::process::Command;

use jeroboam_tests::{Server, Setup};
use serde_json::{Value, json};

use crate::fault::{Cause, Fault, On, Told, Where, own};
use crate::trial::Trial;

const HELD: Told = Told::operator("deployment_held").by(Where::Deployment);

pub(crate) fn faults() -> Vec<Fault> {
    vec![
        own(
            "database-of-yesterday",
            On::Docker,
            "the server is started with a database from before the creation of its cluster",
            HELD,
            "restore the newer database; or `jeroboam deployment accept`",
            yesterday,
        )
        .late("the server has to start first"),
        own(
            "database-copied",
            On::Docker,
            "a server is started on a copy of the data folder while the original runs",
            HELD,
            "`jeroboam deployment new-id` on the copy, or stop it",
            copy,
        )
        .late("the server has to start first"),
    ]
}

fn admin(server: &Server, args: &[&str]) -> Value {
    let answer = server.cli_as("jeroboam-admin", &[args, &["-o", "json"]].concat());
    assert_eq!(answer.code, 0, "{answer:?}\nserver: {}", server.log_tail());
    serde_json::from_str(&answer.out).unwrap()
}

/// The report: the operator's command shows the hold with its evidence, and requests fail with the code.
fn held(server: &Server, token: &str) -> Vec<Cause> {
    let shown = admin(server, &["deployment", "show"]);
    let is_held = shown["hold"]["evidence"].as_array().is_some_and(|evidence| !evidence.is_empty());
    let body = json!({"name": "refused", "cluster_template_id": "swarm"});
    let refused = server.call("POST", "/v1/clusters", token, Some(&body));
    let (code, said) = (refused.body["errors"][0]["reason"].clone(), refused.fault().1.to_owned());
    let who = if said.contains("The operator must act") { "operator" } else { "" };
    let cause = Cause { code: code.as_str().unwrap_or_default().to_owned(), who: who.to_owned(), passes: false };
    is_held.then_some(cause).into_iter().collect()
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

fn yesterday(trial: &mut Trial<'_>) {
    let mut server = Server::start();
    let (today, yesterday) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    server.kill();
    copy_database(&server.data(), yesterday.path());
    server.restart();
    server.create("swarm", "c", 1);
    let uuid = server.uuid_of("c");
    let there = server.marked(&uuid);
    server.kill();
    copy_database(&server.data(), today.path());
    trial.strike(|| copy_database(yesterday.path(), &server.data()));
    server.restart();
    let token = trial.token(&server);
    trial.shown("it does not know the cluster", || server.json(&["bay", "list"]) == json!([]));
    trial.told(|| held(&server, &token));
    assert_eq!(server.marked(&uuid), there, "nothing was removed");
    server.kill();
    copy_database(today.path(), &server.data());
    server.restart();
    assert!(admin(&server, &["deployment", "show"])["hold"].is_null());
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
    trial.over();
}

fn copy(trial: &mut Trial<'_>) {
    let original = Server::start();
    original.create("swarm", "c", 1);
    let uuid = original.uuid_of("c");
    let data = original.scratch("copy");
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &original.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    };
    // The original is stopped meanwhile, so that both have the same number.
    signal("-STOP");
    let copied = Command::new("cp").arg("-a").arg(original.data()).arg(&data).status().unwrap();
    signal("-CONT");
    assert!(copied.success());
    let copy = trial.strike(|| Server::set_up(Setup { data: Some(data), ..Setup::default() }));
    let token = copy.token("jeroboam");
    trial.shown("it takes the cluster for its own", || copy.uuid_of("c") == uuid);
    trial.told(|| held(&copy, &token));
    original.ok(&["bay", "resize", "c", "2", "--watch"]);
    assert!(admin(&original, &["deployment", "show"])["hold"].is_null(), "the original continues");
    assert!(admin(&copy, &["deployment", "new-id"])["hold"].is_null());
    copy.create("swarm", "own", 1);
    copy.ok(&["bay", "delete", "own", "--watch"]);
    original.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(original.marked(&uuid), Vec::<String>::new());
    trial.over();
}
