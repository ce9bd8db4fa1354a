//! Machines that do not come up, and operations that time out or are cancelled.

use jeroboam_tests::{Server, container_of, docker_output, eventually};

use crate::fault::{Fault, On, Told, Where, own};
use crate::node;
use crate::trial::{PATIENCE, Trial};

const RETRY: &str = "`jeroboam bay retry NAME`";

pub(crate) fn faults() -> Vec<Fault> {
    vec![
        own(
            "machine-keeps-ending",
            On::Swarm,
            "`docker kill` of a worker during creation, whenever it runs",
            Told::operator("machine_stopped").by(Where::Operation),
            "fix the cause of the exits, `jeroboam bay retry NAME`",
            keeps_ending,
        )
        .late("it is reported after the third start of the machine"),
        own(
            "deadline",
            On::Swarm,
            "`kill -STOP` of the agent of a worker during creation; `--timeout 1`",
            Told::operator("deadline_passed").by(Where::Operation),
            "fix what the operation waited for (see the message), `jeroboam bay retry NAME`",
            deadline,
        )
        .late("the shortest deadline is a minute"),
        own(
            "cancelled",
            On::Swarm,
            "`jeroboam operation cancel` of a creation",
            Told::user("cancelled").by(Where::Operation),
            RETRY,
            cancelled,
        ),
        own(
            "deleted-while-made",
            On::Swarm,
            "`jeroboam bay delete` while the cluster is being created",
            Told::user("superseded_by_delete").by(Where::Operation),
            "automatic: the delete continues",
            deleted,
        ),
    ]
}

/// Starts the creation of the swarm `c`; returns its id and its worker's container once it runs.
fn begin(server: &Server, more: &[&str]) -> (String, String) {
    let create = ["bay", "create", "c", "--baymodel", "swarm", "--node-count", "1", "--no-wait"];
    server.ok(&[&create, more].concat());
    let uuid = server.uuid_of("c");
    let worker = eventually("the worker runs", PATIENCE, || {
        container_of(&uuid, "c-worker-0").filter(|worker| node::state(worker) == "running")
    });
    (uuid, worker)
}

/// Retries, then deletes the cluster.
fn retried(trial: &mut Trial<'_>, server: &Server, uuid: &str) {
    server.ok(&["bay", "retry", "c", "--watch"]);
    crate::trial::until_well(server, &trial.token(server));
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(uuid), Vec::<String>::new());
    trial.over();
}

fn keeps_ending(trial: &mut Trial<'_>) {
    let server = Server::start();
    let (uuid, worker) = begin(&server, &[]);
    let mut kills = 0;
    let token = trial.token(&server);
    trial.strike(|| ());
    eventually("the operation has ended", PATIENCE, || {
        if node::state(&worker) == "running" {
            docker_output(&["kill", &worker]);
            kills += 1;
        }
        (crate::trial::newest_operation(&server, &token, "c")["status"] == "failed").then_some(())
    });
    trial.shown("it was killed each time", || kills > 2 && node::state(&worker) == "exited");
    trial.told_by_operation(&server, "c");
    retried(trial, &server, &uuid);
}

fn deadline(trial: &mut Trial<'_>) {
    let server = Server::start();
    let (uuid, worker) = begin(&server, &["--timeout", "1"]);
    let agent = eventually("its agent runs", PATIENCE, || Some(node::agent(&worker)).filter(|agent| !agent.is_empty()));
    trial.strike(|| node::halt(&worker, &agent));
    trial.shown("the operation waits", || server.newest_operation("c")["status"] == "running");
    trial.told_by_operation(&server, "c");
    node::sh(&worker, &format!("kill -CONT {agent}"));
    retried(trial, &server, &uuid);
}

fn cancelled(trial: &mut Trial<'_>) {
    let server = Server::start();
    let (uuid, _) = begin(&server, &[]);
    let operation = server.newest_operation("c")["uuid"].as_str().unwrap().to_owned();
    trial.strike(|| server.ok(&["operation", "cancel", &operation]));
    trial.shown("it is not done", || server.json(&["bay", "show", "c"])["status"] != "CREATE_COMPLETE");
    trial.told_by_operation(&server, "c");
    retried(trial, &server, &uuid);
}

fn deleted(trial: &mut Trial<'_>) {
    let server = Server::start();
    let (uuid, _) = begin(&server, &[]);
    let token = trial.token(&server);
    let create = server.newest_operation("c")["uuid"].as_str().unwrap().to_owned();
    trial.strike(|| server.ok(&["bay", "delete", "c", "--no-wait"]));
    let of_create = || server.call("GET", &format!("/v1/operations/{create}"), &token, None).body;
    trial.shown("the creation has ended", || of_create()["status"] == "cancelled");
    trial.told(|| crate::fault::Cause::of(&of_create()["cause"]).into_iter().collect());
    server.gone("c");
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
    trial.over();
}
