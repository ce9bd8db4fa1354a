//! Faults of the simulated cloud: `jeroboam up --simulated-fault`.

use jeroboam_tests::{Server, eventually};
use serde_json::Value;

use crate::fault::{Fault, GOES_ON, On, Told, Where, own};
use crate::trial::{PATIENCE, Trial};

const RETRY: &str = "`jeroboam bay retry NAME`";
const AWAY: Told = Told::cloud("infrastructure_unavailable").by(Where::Operation);
const REFUSED: Told = Told::operator("infrastructure_refused").by(Where::Operation);
const FULL: Told = Told::operator("infrastructure_out_of_memory").passing().by(Where::Operation);

pub(crate) fn faults() -> Vec<Fault> {
    let one = |id, what, told, way_out, act| own(id, On::Simulated, what, told, way_out, act);
    vec![
        one("network-passing", "creating the network fails once", AWAY, GOES_ON, |trial| {
            creation(trial, "ensure_network:0:passing");
        }),
        one("network-permanent", "creating the network is refused", REFUSED, RETRY, |trial| {
            creation(trial, "ensure_network:0:permanent");
        }),
        one("network-answer-lost", "the network is created and the response lost", AWAY, GOES_ON, |trial| {
            creation(trial, "ensure_network:0:answer-lost");
        }),
        one("machine-passing", "creating the second machine fails once", AWAY, GOES_ON, |trial| {
            creation(trial, "ensure_machine:1:passing");
        }),
        one("machine-permanent", "creating the second machine is refused", REFUSED, RETRY, |trial| {
            creation(trial, "ensure_machine:1:permanent");
        }),
        one("machine-answer-lost", "the second machine is created and the response lost", AWAY, GOES_ON, |trial| {
            creation(trial, "ensure_machine:1:answer-lost");
        })
        .quick(),
        one("no-capacity", "the cloud has no capacity left for the second machine", FULL, GOES_ON, |trial| {
            creation(trial, "ensure_machine:1:no-capacity");
        })
        .quick(),
        one("look-passing", "listing the resources fails once", AWAY, GOES_ON, |trial| {
            creation(trial, "observe:0:passing");
        }),
        one("look-permanent", "listing the resources is refused", REFUSED, RETRY, |trial| {
            creation(trial, "observe:0:permanent");
        }),
        one(
            "configure-passing",
            "configuring the engine fails once",
            Told::cloud("engine_unavailable").by(Where::Operation),
            GOES_ON,
            |trial| creation(trial, "configure:0:passing"),
        ),
        one(
            "configure-permanent",
            "configuring the engine is refused",
            Told::operator("engine_refused").by(Where::Operation),
            RETRY,
            |trial| creation(trial, "configure:0:permanent"),
        ),
        one("removal-passing", "removing a machine fails once", AWAY, GOES_ON, |trial| {
            deletion(trial, "remove_machine:0:passing");
        }),
        one("removal-permanent", "removing a machine is refused", REFUSED, RETRY, |trial| {
            deletion(trial, "remove_machine:0:permanent");
        })
        .quick(),
        one("removal-answer-lost", "the network is removed and the response lost", AWAY, GOES_ON, |trial| {
            deletion(trial, "remove_network:0:answer-lost");
        }),
    ]
}

/// Starts a server with this simulated fault and the operation that meets it.
fn begin(trial: &mut Trial<'_>, fault: &str, cluster: &str, begin: impl FnOnce(&Server)) -> Server {
    let server = Server::with(&["--infrastructure", "simulated", "--simulated-fault", fault]);
    let _ = trial.token(&server);
    trial.strike(|| begin(&server));
    let call = fault.split(':').next().unwrap_or_default().to_owned();
    // The cloud's error message is part of the cause.
    let words = format!("simulated fault in {call}");
    let said = || server.newest_operation(cluster).to_string().contains(&words);
    trial.shown(&words, said);
    trial.told_by_operation(&server, cluster);
    server
}

fn creation(trial: &mut Trial<'_>, fault: &str) {
    let create = ["bay", "create", "c", "--baymodel", "kubernetes", "--node-count", "1", "--no-wait"];
    let server = begin(trial, fault, "c", |server| _ = server.ok(&create));
    retried_if_it_failed(&server, "c");
    server.reach("c", "CREATE_COMPLETE");
    server.ok(&["bay", "delete", "c", "--watch"]);
    trial.over();
}

fn deletion(trial: &mut Trial<'_>, fault: &str) {
    let server = begin(trial, fault, "c", |server| {
        server.create("kubernetes", "c", 1);
        server.ok(&["bay", "delete", "c", "--no-wait"]);
    });
    retried_if_it_failed(&server, "c");
    server.gone("c");
    trial.over();
}

/// Retries if the operation has failed. A step may have failed while the others of its stage are still finishing.
fn retried_if_it_failed(server: &Server, cluster: &str) {
    let shown = server.cli(&["cluster", "show", cluster, "-o", "json"]);
    let Ok(shown) = serde_json::from_str::<Value>(&shown.out) else { return };
    let uuid = shown["uuid"].as_str().unwrap();
    let status = eventually("the operation has finished", PATIENCE, || {
        let status = server.newest_operation(uuid)["status"].as_str().unwrap().to_owned();
        ["failed", "succeeded"].contains(&status.as_str()).then_some(status)
    });
    if status == "failed" {
        server.ok(&["bay", "retry", cluster, "--no-wait"]);
    }
}
