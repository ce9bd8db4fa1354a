//! Networks and routes that are removed, addresses and names that are taken.

use jeroboam_tests::{Living, container_of, docker_output};

use crate::fault::{Fault, GOES_ON, On, REPAIRED, Told, Where, living};
use crate::node::{self, MASTER, NODES, WORKER};
use crate::trial::Trial;

const SILENT: Told = Told::operator("agent_silent").passing();
const CUT_OFF: Told = Told::operator("machine_cut_off").passing();
const MADE_ANEW: &str = "automatic: it is recreated on its disk";
/// Any image whose container keeps running.
const STRANGER: &str = "jeroboam/nginx:1.22";

pub(crate) fn faults() -> Vec<Fault> {
    let faults = [
        living(
            "routes-flushed",
            "`ip route flush table main` on a worker",
            SILENT,
            "automatic: the machine is restarted",
            routes_flushed,
        ),
        living(
            "network-disconnected",
            "`docker network disconnect` of a worker",
            CUT_OFF,
            MADE_ANEW,
            |trial, living| {
                disconnected(trial, living, WORKER);
            },
        ),
        living(
            "master-network-disconnected",
            "`docker network disconnect` of the only master",
            CUT_OFF,
            MADE_ANEW,
            |trial, living| disconnected(trial, living, MASTER),
        ),
        living(
            "network-removed",
            "`docker kill` of all nodes and `docker network rm`",
            Told::operator("network_gone").passing(),
            REPAIRED,
            network_removed,
        ),
        living(
            "address-taken",
            "a worker is removed, and another container takes its address",
            Told::cloud("address_in_use").by(Where::Operation),
            GOES_ON,
            address_taken,
        ),
        living(
            "name-taken",
            "a worker is removed, and another container takes its name",
            Told::operator("name_conflict").by(Where::Operation),
            "remove the other container, `jeroboam bay repair NAME`",
            name_taken,
        ),
    ];
    let mut all: Vec<Fault> = faults.iter().flat_map(Fault::on_both).collect();
    for fault in &mut all {
        fault.quick = fault.on == On::Swarm && ["network-removed", "address-taken"].contains(&fault.id);
    }
    all
}

fn routes_flushed(trial: &mut Trial<'_>, living: &Living<'_>) {
    let worker = living.node(WORKER);
    let left = trial.strike(|| node::sh(&worker, "ip route flush table main; ip route | wc -l"));
    assert_eq!(left, "0", "it has struck");
    trial.shown("it was not heard for three heartbeats", node::is_silent(trial, living, WORKER));
    trial.told_by_why(living.server);
    trial.well_again(living);
    assert_eq!(living.node(WORKER), worker, "restarted, not replaced");
}

fn disconnected(trial: &mut Trial<'_>, living: &Living<'_>, name: &str) {
    let (machine, network) = (living.node(name), node::network(living));
    let (disk, address) = (node::disk(&machine), node::address(&machine));
    trial.strike(|| docker_output(&["network", "disconnect", "--force", &network, &machine]));
    trial.shown("it has no address", || node::address(&machine).is_empty());
    trial.told_by_why(living.server);
    trial.well_again(living);
    let machine = living.node(name);
    assert_eq!((node::disk(&machine), node::address(&machine)), (disk, address), "the same disk and address");
}

fn network_removed(trial: &mut Trial<'_>, living: &Living<'_>) {
    let (machines, network) = (NODES.map(|name| living.node(name)), node::network(living));
    trial.strike(|| {
        docker_output(&["kill", &machines[0], &machines[1]]);
        docker_output(&["network", "rm", &network])
    });
    trial.shown("the network is gone", || node::network(living) != network);
    trial.told_by_why(living.server);
    trial.well_again(living);
    assert_ne!(node::network(living), network);
}

fn address_taken(trial: &mut Trial<'_>, living: &Living<'_>) {
    let (server, worker, network) = (living.server, living.node(WORKER), node::network(living));
    let address = node::address(&worker);
    node::pause(living);
    docker_output(&["rm", "--force", &worker]);
    let other = ["run", "--detach", "--network", &network, "--ip", &address, STRANGER];
    let other = trial.strike(|| docker_output(&other));
    assert_eq!(node::address(&other), address, "it has struck");
    server.ok(&["bay", "repair", "c", "--no-wait"]);
    trial.shown("the worker cannot be made", || container_of(&living.uuid, WORKER).is_none());
    trial.told_by_operation(server, "c");
    docker_output(&["rm", "--force", "--volumes", &other]);
    node::resume(living);
    trial.well_again(living);
    assert_eq!(node::address(&living.node(WORKER)), address);
}

fn name_taken(trial: &mut Trial<'_>, living: &Living<'_>) {
    let (server, worker) = (living.server, living.node(WORKER));
    let name = docker_output(&["inspect", "-f", "{{.Name}}", &worker]);
    let name = name.trim_start_matches('/');
    node::pause(living);
    docker_output(&["rm", "--force", &worker]);
    let other = trial.strike(|| docker_output(&["create", "--name", name, STRANGER]));
    assert!(!other.is_empty(), "it has struck");
    server.ok(&["bay", "repair", "c", "--no-wait"]);
    trial.shown("the name is another's", || docker_output(&["inspect", "-f", "{{.Id}}", name]) == other);
    trial.told_by_operation(server, "c");
    assert_eq!(docker_output(&["inspect", "-f", "{{.Id}}", name]), other, "the other container is left alone");
    docker_output(&["rm", "--force", "--volumes", &other]);
    server.ok(&["bay", "repair", "c", "--watch"]);
    node::resume(living);
    trial.well_again(living);
}
