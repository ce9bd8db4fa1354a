//! The fault catalogue: everything here is broken on purpose, one after the other, on real clusters wherever that is
//! possible. Of each fault it is asserted that it has struck, that it is told by the code, with who must act and whether it
//! passes, as the catalogue says, and that the way out leads to a cluster that is well, or to nothing left of it.
//!
//! `docs/faults.md` is made of the catalogue and of what was measured (`tests/catalogue/measured.tsv`). `make faults` runs
//! all of it and writes both anew. `FAULTS=worker-killed,dockerd-killed` runs these alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod agent;
mod answers;
mod component;
mod creation;
mod credentials;
mod database;
mod deployment;
mod engine;
mod fault;
mod image;
mod infrastructure;
mod machine;
mod measured;
mod network;
mod node;
mod page;
mod request;
mod runner;
mod server;
mod simulated;
mod trial;
mod workload;

use fault::{Fault, On};

/// All of them, by what is broken.
fn catalogue() -> Vec<(&'static str, Vec<Fault>)> {
    vec![
        ("Machines", machine::faults()),
        ("Components", component::faults()),
        ("Agents", agent::faults()),
        ("Engines", engine::faults()),
        ("Networks", network::faults()),
        ("Machines that are to come up", creation::faults()),
        ("Images", image::faults()),
        ("Docker Engine", infrastructure::faults()),
        ("Answers of the Docker Engine", answers::faults()),
        ("Database and its disk", database::faults()),
        ("Server process", server::faults()),
        ("Deployment", deployment::faults()),
        ("Credentials", credentials::faults()),
        ("Requests", request::faults()),
        ("Workloads", workload::faults()),
        ("Simulated cloud", simulated::faults()),
    ]
}

fn on(on: On, faults: Vec<Fault>) -> Vec<Fault> {
    faults.into_iter().filter(|fault| fault.on == on).collect()
}

/// Those that `make test` runs.
fn quick(on: On) -> Vec<Fault> {
    let all = catalogue().into_iter().flat_map(|(_, faults)| faults);
    all.filter(|fault| fault.quick && fault.on == on).collect()
}

#[test]
fn some_faults_of_kubernetes_are_told_and_have_a_way_out() {
    runner::run(&quick(On::Kubernetes));
}

#[test]
fn some_faults_of_swarms_are_told_and_have_a_way_out() {
    runner::run(&quick(On::Swarm));
}

#[test]
fn some_faults_besides_are_told_and_have_a_way_out() {
    for on in [On::Docker, On::Simulated, On::Server] {
        runner::run(&quick(on));
    }
}

/// Everything, `make test-slow`.
mod slow {
    use super::*;

    #[test]
    fn machines_of_kubernetes() {
        runner::run(&on(On::Kubernetes, machine::faults()));
    }

    #[test]
    fn machines_of_swarms() {
        runner::run(&on(On::Swarm, machine::faults()));
    }

    #[test]
    fn components_of_kubernetes() {
        runner::run(&on(On::Kubernetes, component::faults()));
    }

    #[test]
    fn components_of_swarms() {
        runner::run(&on(On::Swarm, component::faults()));
    }

    #[test]
    fn agents_of_kubernetes() {
        runner::run(&on(On::Kubernetes, agent::faults()));
    }

    #[test]
    fn agents_of_swarms() {
        runner::run(&on(On::Swarm, agent::faults()));
    }

    #[test]
    fn the_engine_of_kubernetes() {
        runner::run(&on(On::Kubernetes, engine::faults()));
    }

    #[test]
    fn the_engine_of_swarms() {
        runner::run(&on(On::Swarm, engine::faults()));
    }

    #[test]
    fn networks_of_kubernetes() {
        runner::run(&on(On::Kubernetes, network::faults()));
    }

    #[test]
    fn networks_of_swarms() {
        runner::run(&on(On::Swarm, network::faults()));
    }

    #[test]
    fn creation_and_workloads() {
        runner::run(&[creation::faults(), workload::faults()].concat());
    }

    #[test]
    fn images() {
        runner::run(&image::faults());
    }

    #[test]
    fn the_docker_engine() {
        runner::run(&infrastructure::faults());
    }

    #[test]
    fn answers_of_the_docker_engine() {
        runner::run(&answers::faults());
    }

    #[test]
    fn database_and_server() {
        runner::run(&[database::faults(), server::faults()].concat());
    }

    #[test]
    fn deployments() {
        runner::run(&deployment::faults());
    }

    #[test]
    fn credentials_and_requests() {
        runner::run(&[credentials::faults(), request::faults()].concat());
    }

    #[test]
    fn the_simulated_cloud() {
        runner::run(&simulated::faults());
    }
}
