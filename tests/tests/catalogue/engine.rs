//! Nodes that their engine has lost, and engines that do not answer.

use std::process::Command;

use jeroboam_tests::{Living, eventually};

use crate::fault::{Fault, On, REPAIRED, Told, living};
use crate::node::{self, MASTER, WORKER};
use crate::trial::{PATIENCE, Trial};

const NOT_JOINED: Told = Told::operator("node_not_joined").passing();
const NOT_READY: Told = Told::operator("node_not_ready").passing();

pub(crate) fn faults() -> Vec<Fault> {
    vec![
        living("node-removed", "`kubectl delete node` of a worker", NOT_JOINED, REPAIRED, node_deleted).quick(),
        living(
            "node-removed",
            "`docker node rm --force` of a worker",
            NOT_JOINED,
            "`docker swarm leave --force` on it: its agent joins again; or nothing: it is replaced after some minutes",
            node_removed,
        )
        .on(On::Swarm),
        living(
            "kubelet-hangs",
            "`kill -STOP` of a worker's kubelet; Kubernetes itself takes 40 s to notice",
            NOT_READY,
            REPAIRED,
            |trial, living| hangs(trial, living, "kubelet"),
        ),
        living("dockerd-hangs", "`kill -STOP` of a worker's dockerd", NOT_READY, REPAIRED, |trial, living| {
            hangs(trial, living, "dockerd");
        })
        .on(On::Swarm),
        living(
            "api-server-hangs",
            "`kill -STOP` of the API server",
            Told::operator("api_unreachable").passing(),
            "`kill -CONT`, or `docker restart` of the master",
            api_server_hangs,
        )
        .late("an API server that says nothing is found out when the server asks it, once a minute"),
    ]
}

/// The engine's word for a node: `True`, `Ready` and so on; empty when it does not know it.
fn word(living: &Living<'_>, node: &str) -> String {
    let answer = if living.kind == "kubernetes" {
        let ready = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
        living.ask_engine(&["get", "node", node, "-o", ready])
    } else {
        living.ask_engine(&["node", "ls", "--filter", &format!("name={node}"), "--format", "{{.Status}}"])
    };
    answer.out.trim().to_owned()
}

fn node_deleted(trial: &mut Trial<'_>, living: &Living<'_>) {
    trial.strike(|| living.engine(&["delete", "node", WORKER]));
    forgotten(trial, living);
    trial.well_again(living);
    assert_eq!(word(living, WORKER), "True");
}

fn node_removed(trial: &mut Trial<'_>, living: &Living<'_>) {
    let worker = living.node(WORKER);
    trial.strike(|| living.engine(&["node", "rm", "--force", WORKER]));
    forgotten(trial, living);
    let leave = ["exec", &worker, "docker", "-H", "unix:///run/docker.sock", "swarm", "leave", "--force"];
    // Its agent may be restarting the engine at this moment.
    eventually("its engine has left the swarm", PATIENCE, || {
        Command::new("docker").args(leave).output().unwrap().status.success().then_some(())
    });
    trial.well_again(living);
}

fn forgotten(trial: &mut Trial<'_>, living: &Living<'_>) {
    trial.shown("the engine does not know it", || word(living, WORKER).is_empty());
    trial.told_by_why(living.server);
}

fn hangs(trial: &mut Trial<'_>, living: &Living<'_>, component: &str) {
    let worker = living.node(WORKER);
    let process = node::process(&worker, component);
    trial.strike(|| node::halt(&worker, &process));
    trial.shown("the engine does not call it ready", || ["Unknown", "Down"].contains(&word(living, WORKER).as_str()));
    trial.told_by_why(living.server);
    trial.well_again(living);
    assert_ne!(node::process(&living.node(WORKER), component), process, "another process");
}

fn api_server_hangs(trial: &mut Trial<'_>, living: &Living<'_>) {
    let master = living.node(MASTER);
    let process = node::process(&master, "kube-apiserver");
    trial.strike(|| node::halt(&master, &process));
    trial.shown("it does not answer", || word(living, MASTER).is_empty());
    trial.told_by_why(living.server);
    node::sh(&master, &format!("kill -CONT {process}"));
    trial.well_again(living);
}
