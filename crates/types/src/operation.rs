//! Operations and their steps as clients see them, and the topology of a cluster. An extension; not in Magnum.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Cause;

/// The kind of an operation.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum OperationKind {
    /// Create the cluster.
    Create,
    /// Change the number of nodes.
    Scale,
    /// Add, delete or change a node group.
    Update,
    /// Change the template, and with it the version.
    Upgrade,
    /// Replace the certificate authorities on all nodes.
    #[serde(rename = "rotate-ca")]
    #[strum(serialize = "rotate-ca")]
    RotateCa,
    /// Repair components, machines and networks. Leaves the cluster's status unchanged.
    Repair,
    /// Delete the cluster, with all its machines, networks and secrets.
    Delete,
}

/// Status of an operation.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum OperationStatus {
    /// Waits for a conductor, or for the operation before it on the same cluster.
    Queued,
    /// A conductor is executing it.
    Running,
    /// Cannot proceed at the moment; continues automatically when the cause is resolved. The steps give the reason.
    Blocked,
    /// Finished successfully.
    Succeeded,
    /// Finished without success; the steps give the reason. Can be retried.
    Failed,
    /// Cancelled by a user or by a later delete.
    Cancelled,
}

impl OperationStatus {
    /// Whether the operation is finished and will not change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// Status of a step.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display, strum::EnumString, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum StepStatus {
    /// Not started.
    Pending,
    /// In progress.
    Running,
    /// Failed for a reason that may be temporary; retried after a back-off. `cause` gives the reason.
    Blocked,
    /// Completed.
    Done,
    /// Failed permanently. `cause` gives the reason.
    Failed,
    /// Not needed, or the operation finished before it.
    Skipped,
}

/// A change of a cluster. The record is kept after the cluster is deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Operation {
    /// Id of the operation.
    pub uuid: Uuid,
    /// Kind of change.
    pub kind: OperationKind,
    /// Status of the operation.
    pub status: OperationStatus,
    /// Id of the cluster.
    pub cluster_uuid: Uuid,
    /// Name of the cluster.
    pub cluster_name: String,
    /// Project of the cluster.
    pub project_id: String,
    /// User who requested it.
    pub user_id: String,
    /// Id of the request.
    pub request_id: String,
    /// Time of the request.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: jiff::Timestamp,
    /// When a conductor first started it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<jiff::Timestamp>,
    /// When it finished.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<jiff::Timestamp>,
    /// When it times out.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deadline_at: Option<jiff::Timestamp>,
    /// The operation that it retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<Uuid>,
    /// Whether it may replace a member that holds the only copy of the cluster's state with an empty one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace_data: bool,
    /// Why it failed, or what blocks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// For a successful delete: what was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// Steps in order. Empty in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// What a delete removed, which is everything: a delete that leaves something behind fails and names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    /// The engine that the cluster had, with its version if that is known.
    pub engine: String,
    /// Id of the cluster's template.
    pub template_uuid: Uuid,
    /// When the cluster was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: jiff::Timestamp,
    /// The cluster's nodes, masters first.
    pub nodes: Vec<ReceiptNode>,
    /// Id of the cluster's network at the infrastructure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// When the last resource was deleted.
    #[schema(value_type = String, format = DateTime)]
    pub removed_at: jiff::Timestamp,
}

/// A node of a [`Receipt`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReceiptNode {
    /// Name of the node.
    pub name: String,
    /// `master` or `worker`.
    pub role: String,
    /// Id of the machine at the infrastructure, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// Address of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When machine and disk were deleted; null if an earlier operation did that or there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub removed_at: Option<jiff::Timestamp>,
}

/// One step of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Step {
    /// Unique in the operation, for example `machine/demo-worker-0`.
    pub key: String,
    /// Title for people, for example `Start machine demo-worker-0`.
    pub title: String,
    /// Steps of one stage run in parallel; stages run in sequence.
    pub stage: u16,
    /// Status of the step.
    pub status: StepStatus,
    /// Number of attempts.
    pub attempts: u32,
    /// Current activity, as reported by the part that performs the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
    /// Time of the first start.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<jiff::Timestamp>,
    /// Time of the end.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<jiff::Timestamp>,
    /// Why it failed or is blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Why the step was added while the operation was running: it was not planned, or was completed and had to be
    /// repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_because: Option<String>,
}

/// Body of `GET /v1/operations`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OperationList {
    /// Newest first.
    pub operations: Vec<Operation>,
    /// URL of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A cluster as a tree: node groups, nodes, components, health. Body of `GET /v1/clusters/{ident}/topology`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Topology {
    /// Id of the cluster.
    pub uuid: Uuid,
    /// Name of the cluster.
    pub name: String,
    /// Engine and its version, for example `kubernetes v1.37.2`.
    pub engine: String,
    /// The Kubernetes version chosen at creation; null for Swarm, whose version depends on the image.
    #[serde(default)]
    pub engine_version: Option<String>,
    /// Magnum's status of the cluster.
    pub status: String,
    /// `HEALTHY`, `UNHEALTHY`, `UNKNOWN`.
    pub health: Option<String>,
    /// URL of the engine's API.
    pub api_address: Option<String>,
    /// Node groups of the cluster.
    pub node_groups: Vec<TopologyNodeGroup>,
}

/// A node group of a [`Topology`].
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TopologyNodeGroup {
    /// Name of the node group.
    pub name: String,
    /// `master` or `worker`.
    pub role: String,
    /// Target number of nodes.
    pub node_count: u32,
    /// Magnum's status of the node group.
    pub status: String,
    /// Nodes of the group.
    pub nodes: Vec<TopologyNode>,
}

/// A node of a [`Topology`].
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TopologyNode {
    /// Name of the node.
    pub name: String,
    /// Address of the node.
    pub address: Option<String>,
    /// Id of the machine at the infrastructure.
    pub machine: Option<String>,
    /// `starting`, `up`, `failed`, or `unknown` when its agent has been silent for too long.
    pub phase: String,
    /// When its agent last reported, if it has been silent for too long since.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub silent_since: Option<jiff::Timestamp>,
    /// Whether the engine reports the node as ready; null if the engine reports nothing.
    #[serde(default)]
    pub ready: Option<bool>,
    /// Why the engine reports the node as not ready.
    #[serde(default)]
    pub reason: Option<String>,
    /// Problem of the node, as reported by its agent.
    pub problem: Option<String>,
    /// Components of the node.
    pub components: Vec<TopologyComponent>,
}

/// A component of a [`TopologyNode`].
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TopologyComponent {
    /// For example `kubelet`.
    pub name: String,
    /// State of the component: `up`, `starting` ...
    pub state: String,
    /// Version, if known.
    pub version: Option<String>,
    /// Number of restarts.
    pub restarts: u32,
}
