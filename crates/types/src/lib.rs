//! Wire types for clients, the API and the agents. No storage, no HTTP server, no decisions.
//!
//! - [`agent`]: the protocol between `jeroboam-node` and the API.
//! - [`v1`]: Magnum's REST API v1 (clusters, bays, templates, baymodels, workloads ...).
//! - [`operation`]: Jeroboam's extensions: operations, their steps, topology.
//! - [`plan`]: what a change would do (dry run).
//! - [`why`]: what is wrong with a cluster.
//! - [`kubernetes`]: versions of Kubernetes.
//! - [`code`]: the codes of errors.
//! - [`error`]: the public error and its format on the wire.
//! - [`log`]: what must not be logged, by a server or an agent.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod agent;
pub mod code;
pub mod error;
pub mod kubernetes;
pub mod log;
pub mod operation;
pub mod plan;
pub mod v1;
pub mod why;
