//! The domain model: what a cluster is and how it changes. Pure: no IO, time is passed in.
//!
//! - [`cluster`], [`cluster_template`], [`node_group`], [`node`]: the main types.
//! - [`status`]: the statuses of clusters and the requests allowed in each.
//! - [`quota`], [`federation`], [`mservice`], [`legacy_node`]: the smaller types.
//! - [`engine`]: the registry of engines.
//! - [`target`]: the target of a node.
//! - [`assignment`]: the assignment of a node's agent.
//! - [`labels`]: labels and their effects.
//! - [`kubernetes`]: the versions of Kubernetes that this release supports.
//! - [`condition`]: what is wrong with a cluster that should run.
//! - [`healing`]: when a cluster may be repaired automatically again.
//! - [`why`]: the same for users, with what was tried and what to do.
//! - [`plan`]: the missing steps between observed and desired state.
//! - [`cause`]: constructors of the causes of errors.
//! - [`upgrade`]: whether a cluster can be moved to another template.
//! - [`validate`]: checks of input, and the error that names the field.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod assignment;
pub mod cause;
pub mod cluster;
pub mod cluster_template;
pub mod condition;
pub mod engine;
pub mod federation;
pub mod healing;
pub mod kubernetes;
pub mod labels;
pub mod legacy_node;
pub mod mservice;
pub mod node;
pub mod node_group;
pub mod plan;
pub mod quota;
pub mod status;
pub mod target;
pub mod upgrade;
pub mod validate;
pub mod why;

pub use cause::CauseExt;
pub use cluster::{Cluster, Health};
pub use cluster_template::ClusterTemplate;
pub use engine::EngineKind;
pub use federation::Federation;
pub use labels::Labels;
pub use legacy_node::LegacyNode;
pub use mservice::Mservice;
pub use node::Node;
pub use node_group::NodeGroup;
pub use quota::{Quota, QuotaDefaults, QuotaResource};
pub use status::Status;
pub use target::Target;
pub use validate::FieldError;

// Types shared with the wire format.
pub use jeroboam_types::agent::{NodePhase, NodeRole, Report};
pub use jeroboam_types::code::Code;
pub use jeroboam_types::error::{Cause, WhoMustAct};
pub use jeroboam_types::operation::{OperationKind, OperationStatus, StepStatus};
