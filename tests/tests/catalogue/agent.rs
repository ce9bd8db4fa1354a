//! Agents that are killed, hang, are cut off from the server, or lose their identity.

use jeroboam_tests::{Living, docker_output, eventually};

use crate::fault::{Fault, On, REPAIRED, Told, living};
use crate::node::{self, MASTER, NODES, WORKER};
use crate::trial::{PATIENCE, Trial};

const SILENT: Told = Told::operator("agent_silent").passing();

pub(crate) fn faults() -> Vec<Fault> {
    let faults = [
        // First: right after a restart an agent has a longer time limit, and would not count as silent with the others.
        living(
            "all-agents-cut-off",
            "packet filters on all nodes drop packets to the agents' endpoint",
            SILENT,
            "fix the network (firewall, routes): no machine is changed, as all nodes are ready in the engine",
            all_cut_off,
        ),
        living("agent-hangs", "`kill -STOP` of a worker's agent", SILENT, REPAIRED, |trial, living| {
            hangs(trial, living, WORKER);
        }),
        living("master-agent-hangs", "`kill -STOP` of the master's agent", SILENT, REPAIRED, |trial, living| {
            hangs(trial, living, MASTER);
        }),
        living(
            "agent-cut-off",
            "a packet filter on a worker drops packets to the agents' endpoint",
            SILENT,
            "automatic: the machine is restarted; or fix the firewall",
            cut_off,
        ),
        living(
            "agent-key-lost",
            "key and certificate of a worker's agent are removed, and the agent is killed",
            SILENT,
            "automatic: the worker is replaced",
            |trial, living| key_lost(trial, living, WORKER),
        ),
        living(
            "master-agent-key-lost",
            "key and certificate of the master's agent are removed, and the agent is killed",
            SILENT,
            "automatic: the machine is recreated on its disk, with a new token",
            |trial, living| key_lost(trial, living, MASTER),
        ),
        // Last, because an agent that has just come back has a longer time limit.
        living("agent-killed", "`kill -9` of a worker's agent, whenever it runs", SILENT, REPAIRED, killed),
    ];
    let mut all: Vec<Fault> = faults.iter().flat_map(Fault::on_both).collect();
    // Until the last remedy it takes minutes, so it is tested with one engine only.
    all.retain(|fault| !fault.id.ends_with("agent-key-lost") || fault.on == On::Kubernetes);
    for fault in &mut all {
        fault.quick = fault.on == On::Kubernetes && fault.id == "all-agents-cut-off";
    }
    all
}

/// Kills the agent repeatedly: after a single kill it would be back before it misses enough heartbeats.
fn killed(trial: &mut Trial<'_>, living: &Living<'_>) {
    let worker = living.node(WORKER);
    let kill = || {
        let agent = node::agent(&worker);
        if !agent.is_empty() {
            node::sh(&worker, &format!("kill -9 {agent}"));
        }
    };
    let mut is_silent = node::is_silent(trial, living, WORKER);
    trial.strike(kill);
    trial.shown("it was not heard for three heartbeats", || {
        kill();
        is_silent()
    });
    trial.told_by_why(living.server);
    trial.well_again(living);
    assert_eq!(living.node(WORKER), worker, "the same machine");
}

fn hangs(trial: &mut Trial<'_>, living: &Living<'_>, name: &str) {
    let machine = living.node(name);
    let agent = node::agent(&machine);
    trial.strike(|| node::halt(&machine, &agent));
    trial.shown("it was not heard for three heartbeats", node::is_silent(trial, living, name));
    trial.told_by_why(living.server);
    trial.well_again(living);
    assert_eq!(living.node(name), machine, "restarted, not replaced");
}

/// Address and port of the server that the agent of a node connects to.
fn home(container: &str) -> (String, String) {
    let bootstrap = node::sh(container, "cat /etc/jeroboam/node.json");
    let bootstrap: serde_json::Value = serde_json::from_str(&bootstrap).unwrap();
    let url = bootstrap["server"].as_str().unwrap().trim_start_matches("https://").to_owned();
    let (address, port) = url.rsplit_once(':').unwrap();
    (address.to_owned(), port.trim_end_matches('/').to_owned())
}

fn cut(container: &str) -> String {
    let (address, port) = home(container);
    let rule = format!("OUTPUT -d {address} -p tcp --dport {port} -j DROP");
    node::sh(container, &format!("iptables -w -I {rule} && iptables -w -C {rule} && echo cut"))
}

fn cut_off(trial: &mut Trial<'_>, living: &Living<'_>) {
    let worker = living.node(WORKER);
    let cut = trial.strike(|| cut(&worker));
    assert_eq!(cut, "cut", "it has struck");
    trial.shown("it was not heard for three heartbeats", node::is_silent(trial, living, WORKER));
    trial.told_by_why(living.server);
    trial.well_again(living);
    assert_eq!(living.node(WORKER), worker, "restarted, not replaced");
}

fn all_cut_off(trial: &mut Trial<'_>, living: &Living<'_>) {
    let server = living.server;
    let machines = NODES.map(|name| living.node(name));
    let started = || machines.each_ref().map(|one| docker_output(&["inspect", "-f", "{{.State.StartedAt}}", one]));
    let (before, last) = (started(), server.newest_operation("c")["uuid"].clone());
    let cut = trial.strike(|| machines.each_ref().map(|machine| cut(machine)));
    assert_eq!(cut, ["cut", "cut"], "it has struck");
    let mut silent = NODES.map(|name| node::is_silent(trial, living, name));
    trial.shown("nobody was heard for three heartbeats", || silent.iter_mut().all(|is_silent| is_silent()));
    trial.told_by_why(server);
    eventually("a repair has found nothing that helps", PATIENCE, || {
        let newest = server.newest_operation("c");
        (newest["uuid"] != last && newest["status"] == "failed").then_some(())
    });
    for machine in &machines {
        node::sh(machine, "iptables -w -D OUTPUT 1");
    }
    trial.well_again(living);
    assert_eq!(started(), before, "no machine was restarted");
}

fn key_lost(trial: &mut Trial<'_>, living: &Living<'_>, name: &str) {
    let machine = living.node(name);
    let agent = node::agent(&machine);
    node::sh(&machine, "touch /var/lib/jeroboam/kept");
    let left = trial.strike(|| {
        let left = node::sh(&machine, "cd /var/lib/jeroboam/agent && rm agent.crt agent.key && ls");
        node::sh(&machine, &format!("kill -9 {agent}"));
        left
    });
    assert!(!left.contains("agent.key"), "it has struck: {left}");
    trial.shown("it was not heard for three heartbeats", node::is_silent(trial, living, name));
    trial.told_by_why(living.server);
    trial.well_again(living);
    assert_ne!(living.node(name), machine, "another machine");
    let kept = node::sh(&living.node(name), "ls /var/lib/jeroboam").contains("kept");
    assert_eq!(kept, name == MASTER, "a master keeps its disk");
}
