//! Machines that are stopped, paused and removed, with and without their disks.

use jeroboam_tests::{Living, container_of, docker_output};

use crate::fault::{Fault, REPAIRED, Told, living};
use crate::node::{self, MASTER, NODES, WORKER};
use crate::trial::Trial;

const STOPPED: Told = Told::operator("machine_stopped").passing();
const GONE: Told = Told::operator("machine_gone").passing();
const PAUSED: Told = Told::operator("machine_paused").passing();

pub(crate) fn faults() -> Vec<Fault> {
    let faults = [
        living("worker-killed", "`docker kill` of a worker", STOPPED, REPAIRED, |trial, living| {
            ended(trial, living, WORKER, "kill");
        }),
        living("worker-stopped", "`docker stop` of a worker", STOPPED, REPAIRED, |trial, living| {
            ended(trial, living, WORKER, "stop");
        }),
        living("master-killed", "`docker kill` of the only master", STOPPED, REPAIRED, |trial, living| {
            ended(trial, living, MASTER, "kill");
        }),
        living("all-killed", "`docker kill` of all nodes at once", STOPPED, REPAIRED, all_killed),
        living("worker-paused", "`docker pause` of a worker", PAUSED, REPAIRED, |trial, living| {
            paused(trial, living, WORKER);
        }),
        living("master-paused", "`docker pause` of the only master", PAUSED, REPAIRED, |trial, living| {
            paused(trial, living, MASTER);
        }),
        living("worker-removed", "`docker rm --force` of a worker; its disk stays", GONE, REPAIRED, |trial, living| {
            removed(trial, living, WORKER);
        }),
        living(
            "master-removed",
            "`docker rm --force` of the only master; its disk stays",
            GONE,
            REPAIRED,
            |trial, living| {
                removed(trial, living, MASTER);
            },
        ),
        living("worker-lost", "a worker and its disk are removed", GONE, REPAIRED, worker_lost),
        living(
            "master-lost",
            "the only master and its disk are removed, and with it the only copy of the cluster's state",
            Told::operator("state_lost"),
            "`jeroboam bay repair NAME --replace-data`, which starts with an empty cluster",
            master_lost,
        ),
        living(
            "cluster-removed",
            "all containers, volumes and the network of a cluster are removed by hand",
            Told::operator("cluster_missing"),
            "`jeroboam bay delete NAME`",
            cluster_removed,
        ),
    ];
    faults.iter().flat_map(Fault::on_both).collect()
}

fn ended(trial: &mut Trial<'_>, living: &Living<'_>, name: &str, how: &str) {
    let machine = living.node(name);
    trial.strike(|| docker_output(&[how, &machine]));
    trial.shown("the container has ended", || node::state(&machine) == "exited");
    trial.told_by_why(living.server);
    trial.well_again(living);
    assert_eq!(living.node(name), machine, "the same container, started again");
}

fn all_killed(trial: &mut Trial<'_>, living: &Living<'_>) {
    let machines = NODES.map(|name| living.node(name));
    trial.strike(|| docker_output(&["kill", &machines[0], &machines[1]]));
    trial.shown("all have ended", || machines.iter().all(|machine| node::state(machine) == "exited"));
    trial.told_by_why(living.server);
    trial.well_again(living);
}

fn paused(trial: &mut Trial<'_>, living: &Living<'_>, name: &str) {
    let machine = living.node(name);
    trial.strike(|| docker_output(&["pause", &machine]));
    assert_eq!(node::state(&machine), "paused", "it has struck");
    // Backups pause machines for a moment, so a pause counts only once the agent is silent.
    trial.shown("the agent is silent", node::is_silent(trial, living, name));
    trial.told_by_why(living.server);
    trial.well_again(living);
    assert_eq!(living.node(name), machine);
}

fn removed(trial: &mut Trial<'_>, living: &Living<'_>, name: &str) {
    let machine = living.node(name);
    let disk = node::disk(&machine);
    trial.strike(|| docker_output(&["rm", "--force", &machine]));
    trial.shown("the container is gone", || container_of(&living.uuid, name).is_none());
    assert!(living.disks().contains(&disk), "its disk is there");
    trial.told_by_why(living.server);
    trial.well_again(living);
    assert_eq!(node::disk(&living.node(name)), disk, "another container on the same disk");
}

fn worker_lost(trial: &mut Trial<'_>, living: &Living<'_>) {
    let worker = living.node(WORKER);
    let disk = node::disk(&worker);
    trial.strike(|| node::remove_with_disk(&worker));
    trial.shown("neither is there", || !living.disks().contains(&disk));
    trial.told_by_why(living.server);
    trial.well_again(living);
}

fn master_lost(trial: &mut Trial<'_>, living: &Living<'_>) {
    let server = living.server;
    let master = living.node(MASTER);
    let disk = node::disk(&master);
    trial.strike(|| node::remove_with_disk(&master));
    trial.shown("neither is there", || !living.disks().contains(&disk));
    trial.told_by_why(server);
    assert_eq!(container_of(&living.uuid, MASTER), None, "nothing was made in its place");
    server.ok(&["bay", "repair", "c", "--replace-data", "--watch"]);
    crate::trial::until_well(server, &trial.token(server));
    server.ok(&["bay", "delete", "c", "--watch"]);
    trial.over();
}

fn cluster_removed(trial: &mut Trial<'_>, living: &Living<'_>) {
    let server = living.server;
    let [master, worker] = NODES.map(|name| living.node(name));
    let (disks, network) = ([&master, &worker].map(|machine| node::disk(machine)), node::network(living));
    trial.strike(|| {
        docker_output(&["rm", "--force", &master, &worker]);
        docker_output(&["volume", "rm", &disks[0], &disks[1]]);
        docker_output(&["network", "rm", &network]);
    });
    trial.shown("nothing of it is there", || server.marked(&living.uuid).is_empty());
    trial.told_by_why(server);
    assert_eq!(server.marked(&living.uuid), Vec::<String>::new(), "nothing was made");
    server.ok(&["bay", "delete", "c", "--watch"]);
    trial.over();
}
