//! The REST API: Magnum's v1 in its wire format (contract magnum-v1), the workloads of 2015 (contract workloads-2015),
//! and our own operations and topology. It does not know how clusters are created.
//!
//! - [`router`]: all routes; [`serve`]: a server that slow clients cannot block.
//! - `http`: what all routes share.
//! - [`agent`]: the endpoint that nodes call, on its own port.
//! - `plan`: dry runs, and changes that carry out a plan.
//! - one module per resource: `cluster`, `cluster_template`, `node_group`, `certificate`, `operation`, `workload` ...
//!
//! All handlers have the same structure: parse, validate, policy, call, respond.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod agent;
mod catalog;
mod certificate;
mod cluster;
mod cluster_template;
mod connections;
mod credential;
mod deployment;
mod engine_version;
mod federation;
#[doc(hidden)]
pub mod fuzz;
mod healthcheck;
mod http;
mod label;
mod legacy_node;
mod mservice;
mod names;
mod node_group;
mod openapi;
mod operation;
mod orphan;
mod plan;
mod quota;
mod root;
mod router;
mod serve;
mod spelling;
mod state;
mod stats;
#[cfg(test)]
mod tests;
mod workload;

pub use healthcheck::Readiness;
pub use openapi::document as openapi;
pub use router::router;
pub use serve::{most_connections, serve};
pub use state::{AppState, Settings};
