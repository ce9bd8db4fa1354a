//! The fault catalogue: injects faults one after the other, on real clusters wherever that is possible. Each test
//! asserts that the fault took effect, that it is reported with the expected code, who must act and whether it is
//! retryable, and that after the recovery the cluster is healthy, or nothing of it is left.
//!
//! `docs/faults.md` is generated from the catalogue and the measurements (`tests/catalogue/measured.tsv`). `make
//! faults` runs all faults and rewrites both files. `FAULTS=worker-killed,dockerd-killed` runs only these.
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

/// All faults, by section of the page.
fn catalogue() -> Vec<(&'static str, Vec<Fault>)> {
    vec![
        ("Machines", machine::faults()),
        ("Components", component::faults()),
        ("Agents", agent::faults()),
        ("Engines", engine::faults()),
        ("Networks", network::faults()),
        ("Machines during creation", creation::faults()),
        ("Images", image::faults()),
        ("Docker Engine", infrastructure::faults()),
        ("Errors from the Docker Engine", answers::faults()),
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

/// The faults that `make test` runs.
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

/// All faults, run by `make test-slow`.
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
