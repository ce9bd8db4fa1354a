//! The simulated cloud, which fails wherever it is told to: `jeroboam up --simulated-fault`.

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
        one("network-passing", "making the network fails once", AWAY, GOES_ON, |trial| {
            creation(trial, "ensure_network:0:passing");
        }),
        one("network-permanent", "making the network is refused", REFUSED, RETRY, |trial| {
            creation(trial, "ensure_network:0:permanent");
        }),
        one("network-answer-lost", "the network is made and the answer lost", AWAY, GOES_ON, |trial| {
            creation(trial, "ensure_network:0:answer-lost");
        }),
        one("machine-passing", "making the second machine fails once", AWAY, GOES_ON, |trial| {
            creation(trial, "ensure_machine:1:passing");
        }),
        one("machine-permanent", "making the second machine is refused", REFUSED, RETRY, |trial| {
            creation(trial, "ensure_machine:1:permanent");
        }),
        one("machine-answer-lost", "the second machine is made and the answer lost", AWAY, GOES_ON, |trial| {
            creation(trial, "ensure_machine:1:answer-lost");
        })
        .quick(),
        one("no-capacity", "the cloud has no capacity left for the second machine", FULL, GOES_ON, |trial| {
            creation(trial, "ensure_machine:1:no-capacity");
        })
        .quick(),
        one("look-passing", "looking at what there is fails once", AWAY, GOES_ON, |trial| {
            creation(trial, "observe:0:passing");
        }),
        one("look-permanent", "looking at what there is is refused", REFUSED, RETRY, |trial| {
            creation(trial, "observe:0:permanent");
        }),
        one(
            "configure-passing",
            "setting up the engine fails once",
            Told::cloud("engine_unavailable").by(Where::Operation),
            GOES_ON,
            |trial| creation(trial, "configure:0:passing"),
        ),
        one(
            "configure-permanent",
            "setting up the engine is refused",
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
        one("removal-answer-lost", "the network is removed and the answer lost", AWAY, GOES_ON, |trial| {
            deletion(trial, "remove_network:0:answer-lost");
        }),
    ]
}

/// A server whose cloud fails so, and the operation that meets it.
fn begin(trial: &mut Trial<'_>, fault: &str, cluster: &str, begin: impl FnOnce(&Server)) -> Server {
    let server = Server::with(&["--infrastructure", "simulated", "--simulated-fault", fault]);
    let _ = trial.token(&server);
    trial.strike(|| begin(&server));
    let call = fault.split(':').next().unwrap_or_default().to_owned();
    // The cloud's own words are part of the cause.
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

/// A step may have failed for good while the others of its stage still end.
fn retried_if_it_failed(server: &Server, cluster: &str) {
    let shown = server.cli(&["cluster", "show", cluster, "-o", "json"]);
    let Ok(shown) = serde_json::from_str::<Value>(&shown.out) else { return };
    let uuid = shown["uuid"].as_str().unwrap();
    let status = eventually("the operation has ended", PATIENCE, || {
        let status = server.newest_operation(uuid)["status"].as_str().unwrap().to_owned();
        ["failed", "succeeded"].contains(&status.as_str()).then_some(status)
    });
    if status == "failed" {
        server.ok(&["bay", "retry", cluster, "--no-wait"]);
    }
}
