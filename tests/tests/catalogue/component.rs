//! Components of nodes that keep crashing, and components whose program is missing.

use jeroboam_tests::{Living, eventually};

use crate::fault::{Fault, On, Told, living};
use crate::node::{self, MASTER, WORKER};
use crate::trial::{PATIENCE, Trial};

const CRASHED: Told = Told::operator("component_crashed").passing();
const STARTED: &str = "automatic: its agent restarts it, with growing pauses";

/// Number of kills after which a component counts as crashing.
const KILLS: usize = 3;

pub(crate) fn faults() -> Vec<Fault> {
    vec![
        // First, because the agent restarts a component that was killed before after longer pauses.
        living("kubelet-missing", "a worker's kubelet is removed and killed", MISSING, PUT_BACK, |trial, living| {
            missing(trial, living, "kubelet", "/opt/jeroboam/kubernetes/*/kubelet");
        })
        .quick(),
        living("dockerd-missing", "a worker's dockerd is removed and killed", MISSING, PUT_BACK, |trial, living| {
            missing(trial, living, "dockerd", "/usr/sbin/dockerd");
        })
        .on(On::Swarm),
        living("etcd-killed", "`kill -9` of etcd whenever it runs", CRASHED, STARTED, |trial, living| {
            killed(trial, living, MASTER, "etcd");
        }),
        living(
            "kube-apiserver-killed",
            "`kill -9` of the API server whenever it runs",
            CRASHED,
            STARTED,
            |trial, living| {
                killed(trial, living, MASTER, "kube-apiserver");
            },
        )
        .quick(),
        living(
            "kube-controller-manager-killed",
            "`kill -9` of the controller manager whenever it runs",
            CRASHED,
            STARTED,
            |trial, living| killed(trial, living, MASTER, "kube-controller-manager"),
        ),
        living(
            "kube-scheduler-killed",
            "`kill -9` of the scheduler whenever it runs",
            CRASHED,
            STARTED,
            |trial, living| {
                killed(trial, living, MASTER, "kube-scheduler");
            },
        ),
        living(
            "kubelet-killed",
            "`kill -9` of a worker's kubelet whenever it runs",
            CRASHED,
            STARTED,
            |trial, living| {
                killed(trial, living, WORKER, "kubelet");
            },
        ),
        living(
            "containerd-killed",
            "`kill -9` of a worker's containerd whenever it runs",
            CRASHED,
            STARTED,
            |trial, living| {
                killed(trial, living, WORKER, "containerd");
            },
        ),
        living(
            "kube-proxy-killed",
            "`kill -9` of a worker's kube-proxy whenever it runs",
            CRASHED,
            STARTED,
            |trial, living| {
                killed(trial, living, WORKER, "kube-proxy");
            },
        ),
        living(
            "dockerd-killed",
            "`kill -9` of a worker's dockerd whenever it runs",
            CRASHED,
            STARTED,
            |trial, living| {
                killed(trial, living, WORKER, "dockerd");
            },
        )
        .on(On::Swarm)
        .quick(),
        living(
            "manager-dockerd-killed",
            "`kill -9` of the manager's dockerd whenever it runs",
            CRASHED,
            STARTED,
            |trial, living| {
                killed(trial, living, MASTER, "dockerd");
            },
        )
        .on(On::Swarm),
    ]
}

const MISSING: Told = Told::operator("component_missing").passing();
const PUT_BACK: &str =
    "restore the program: its agent starts it; or automatic: the worker is replaced by one from the image";

fn killed(trial: &mut Trial<'_>, living: &Living<'_>, name: &str, component: &str) {
    let machine = living.node(name);
    let kill = || {
        let process = node::process(&machine, component);
        if !process.is_empty() {
            node::sh(&machine, &format!("kill -9 {process}"));
        }
        process
    };
    for _ in 1..KILLS {
        let before = kill();
        eventually("it runs again", PATIENCE, || {
            Some(node::process(&machine, component)).filter(|now| !now.is_empty() && *now != before)
        });
    }
    let last = trial.strike(kill);
    assert!(!last.is_empty(), "it ran");
    trial.shown("the process is gone", || node::process(&machine, component) != last);
    trial.told_by_why(living.server);
    trial.well_again(living);
}

fn missing(trial: &mut Trial<'_>, living: &Living<'_>, component: &str, program: &str) {
    let worker = living.node(WORKER);
    trial.strike(|| {
        node::sh(&worker, &format!("for program in {program}; do mv $program $program.away; done"));
        let process = node::process(&worker, component);
        node::sh(&worker, &format!("kill -9 {process}"))
    });
    trial.shown("it does not run", || node::process(&worker, component).is_empty());
    trial.told_by_why(living.server);
    let away = program.replace(component, &format!("{component}.away"));
    node::sh(&worker, &format!("for away in {away}; do mv $away ${{away%.away}}; done"));
    trial.well_again(living);
    assert_eq!(living.node(WORKER), worker, "the same machine");
}
