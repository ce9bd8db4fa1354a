//! The agent on every machine of a cluster.
//!
//! It calls home ([`home`]), gets told what the machine is to be, brings up the components of a Kubernetes
//! ([`kubernetes`]) or Swarm ([`swarm`]) node, keeps them running ([`process`]) and reports what happens ([`board`]).
//! For Kubernetes it is also the pod network between nodes ([`network`]) and the cluster's DNS ([`dns`]), so that a
//! cluster needs no images but its users' own.
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
