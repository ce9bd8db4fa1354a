//! Nodes that are lost or not ready in their engine, and engines that do not answer.

use jeroboam_tests::Living;

use crate::fault::{Fault, On, REPAIRED, Told, living};
use crate::node::{self, MASTER, WORKER};
use crate::trial::Trial;

const NOT_JOINED: Told = Told::operator("node_not_joined").passing();
const UNRESPONSIVE: Told = Told::operator("component_unresponsive").passing();
/// The recovery of a component that does not answer.
const RESTARTED: &str = "automatic: its agent kills and restarts it after about 30 s";

pub(crate) fn faults() -> Vec<Fault> {
    vec![
        living("node-removed", "`kubectl delete node` of a worker", NOT_JOINED, REPAIRED, node_deleted).quick(),
        living(
            "node-removed",
            "`docker node rm --force` of a worker",
            NOT_JOINED,
            "automatic: its agent leaves the swarm and joins it again",
            node_removed,
        )
        .on(On::Swarm),
        living("kubelet-hangs", "`kill -STOP` of a worker's kubelet", UNRESPONSIVE, RESTARTED, |trial, living| {
            hangs(trial, living, WORKER, "kubelet")
        }),
        living(
            "containerd-hangs",
            "`kill -STOP` of a worker's containerd",
            UNRESPONSIVE,
            RESTARTED,
            |trial, living| hangs(trial, living, WORKER, "containerd"),
        ),
        living("etcd-hangs", "`kill -STOP` of etcd", UNRESPONSIVE, RESTARTED, |trial, living| {
            hangs(trial, living, MASTER, "etcd");
        }),
        living("dockerd-hangs", "`kill -STOP` of a worker's dockerd", UNRESPONSIVE, RESTARTED, |trial, living| {
            hangs(trial, living, WORKER, "dockerd");
        })
        .on(On::Swarm),
        living(
            "manager-dockerd-hangs",
            "`kill -STOP` of the manager's dockerd",
            UNRESPONSIVE,
            RESTARTED,
            |trial, living| hangs(trial, living, MASTER, "dockerd"),
        )
        .on(On::Swarm),
        living("api-server-hangs", "`kill -STOP` of the API server", UNRESPONSIVE, RESTARTED, |trial, living| {
            hangs(trial, living, MASTER, "kube-apiserver");
        })
        .quick(),
    ]
}

/// The status of a node in the engine: `True`, `Ready` and so on; empty if the engine does not know it.
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
    trial.well_again(living);
    assert_eq!(living.node(WORKER), worker, "the same machine");
    assert_eq!(word(living, WORKER), "Ready");
}

fn forgotten(trial: &mut Trial<'_>, living: &Living<'_>) {
    trial.shown("the engine does not know it", || word(living, WORKER).is_empty());
    trial.told_by_why(living.server);
}

/// A component that hangs is killed and restarted by its agent.
fn hangs(trial: &mut Trial<'_>, living: &Living<'_>, node: &str, component: &str) {
    let container = living.node(node);
    let process = node::process(&container, component);
    trial.strike(|| node::halt(&container, &process));
    trial.shown("its agent misses two answers", node::is_unresponsive(trial, living, node, component));
    trial.told_by_why(living.server);
    trial.well_again(living);
    assert_ne!(node::process(&living.node(node), component), process, "another process");
}
