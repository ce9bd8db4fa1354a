//! The agent on every machine of a cluster.
//!
//! It connects to the server ([`home`]), receives the desired state of the machine, starts the components of a
//! Kubernetes ([`kubernetes`]) or Swarm ([`swarm`]) node, keeps them running ([`process`]) and reports their state
//! ([`board`]). For Kubernetes it also provides the pod network between nodes ([`network`]) and the cluster's DNS
//! ([`dns`]), so that a cluster only needs its users' images.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod agent;
pub mod assignment;
pub mod board;
pub mod certificates;
pub mod credentials;
pub mod dns;
pub mod engine_view;
pub mod fault;
pub mod files;
pub mod gateway;
pub mod home;
pub mod images;
mod known;
pub mod kubernetes;
pub mod machine;
pub mod network;
pub mod process;
pub mod proxy;
pub mod registry;
pub mod renewal;
pub mod reporting;
pub mod swarm;
pub mod tools;
pub mod watching;

pub use agent::run;
