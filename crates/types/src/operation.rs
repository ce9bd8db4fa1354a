//! Operations and their steps as clients see them, and the topology of a cluster. Ours; Magnum has nothing like it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Cause;

/// What an operation does to its cluster.
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
    /// From nothing to a running cluster.
    Create,
    /// Another number of nodes.
    Scale,
    /// Another node group, one fewer, or one with other attributes.
    Update,
    /// Another template, and with it another version.
    Upgrade,
    /// New certificate authorities, on all nodes.
    #[serde(rename = "rotate-ca")]
    #[strum(serialize = "rotate-ca")]
    RotateCa,
    /// What should be there is there again: components, machines, networks. Leaves the cluster's status as it is.
    Repair,
    /// Down to the last container, network and secret.
    Delete,
}

/// Where an operation stands.
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
    /// A conductor is at it.
    Running,
    /// Cannot go on right now; goes on by itself when the cause passes. The steps say why.
    Blocked,
    /// Done.
    Succeeded,
    /// Ended without reaching its end; the steps say why. Can be retried.
    Failed,
    /// Ended by a user or by a later delete.
    Cancelled,
}

impl OperationStatus {
    /// Whether nothing more will happen by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// Where a step stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display, strum::EnumString, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Being done.
    Running,
    /// Failed in a way that may pass; tried again after a back-off. `cause` says why.
    Blocked,
    /// Done.
    Done,
    /// Given up. `cause` says why.
    Failed,
    /// Turned out not to be needed, or the operation ended before it.
    Skipped,
}

/// One change of a cluster, kept after the cluster is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Operation {
    /// Its id.
    pub uuid: Uuid,
    /// What it does.
    pub kind: OperationKind,
    /// Where it stands.
    pub status: OperationStatus,
    /// The cluster's id.
    pub cluster_uuid: Uuid,
    /// The cluster's name.
    pub cluster_name: String,
    /// Whose.
    pub project_id: String,
    /// Who asked.
    pub user_id: String,
    /// Id of the request that asked.
    pub request_id: String,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: jiff::Timestamp,
    /// When a conductor first took it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<jiff::Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<jiff::Timestamp>,
    /// When it is given up.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deadline_at: Option<jiff::Timestamp>,
    /// The operation that it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<Uuid>,
    /// Whether it may replace a member that holds the only copy of the cluster's state by an empty one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace_data: bool,
    /// Why it failed, or what blocks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Of a delete that succeeded: what there was and what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// Its steps in order. Empty in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// What a delete took away. Nothing is left: a delete that leaves something fails and says what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    /// The engine that the cluster had, with its version if that is known.
    pub engine: String,
    /// Id of the template that it was of.
    pub template_uuid: Uuid,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: jiff::Timestamp,
    /// Its nodes, masters first.
    pub nodes: Vec<ReceiptNode>,
    /// Id of its network at the infrastructure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// When the last of it was gone.
    #[schema(value_type = String, format = DateTime)]
    pub removed_at: jiff::Timestamp,
}

/// A node of a [`Receipt`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReceiptNode {
    /// Its name.
    pub name: String,
    /// `master` or `worker`.
    pub role: String,
    /// Id of its machine at the infrastructure, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The address that it had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When its machine and disk were removed; none when an earlier operation did that, or nobody needed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub removed_at: Option<jiff::Timestamp>,
}

/// One step of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Step {
    /// Unique in the operation, for example `machine/demo-worker-0`.
    pub key: String,
    /// For people, for example `Start machine demo-worker-0`.
    pub title: String,
    /// Steps of one stage run side by side; stages run one after the other.
    pub stage: u16,
    /// Where it stands.
    pub status: StepStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// What is happening right now, in the words of the part that does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
    /// First start.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<jiff::Timestamp>,
    /// End.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<jiff::Timestamp>,
    /// Why it failed or is blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What made it necessary after the operation had begun: it was not planned before, or was done and had to be done
    /// once more.
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
    /// The cluster's id.
    pub uuid: Uuid,
    /// The cluster's name.
    pub name: String,
    /// Engine and its version, for example `kubernetes v1.37.2`.
    pub engine: String,
    /// The version that was fixed when the cluster was made: of Kubernetes; null for Swarm, whose comes with the image.
    #[serde(default)]
    pub engine_version: Option<String>,
    /// Status.
    pub status: String,
    /// `HEALTHY`, `UNHEALTHY`, `UNKNOWN`.
    pub health: Option<String>,
    /// Where the engine's API is.
    pub api_address: Option<String>,
    /// Node groups.
    pub node_groups: Vec<TopologyNodeGroup>,
}

/// A node group of a [`Topology`].
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TopologyNodeGroup {
    /// Name.
    pub name: String,
    /// `master` or `worker`.
    pub role: String,
    /// Wanted number of nodes.
    pub node_count: u32,
    /// Status.
    pub status: String,
    /// Its nodes.
    pub nodes: Vec<TopologyNode>,
}

/// A node of a [`Topology`].
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TopologyNode {
    /// Name.
    pub name: String,
    /// Address.
    pub address: Option<String>,
    /// Id of the machine at the infrastructure.
    pub machine: Option<String>,
    /// `starting`, `up`, `failed`, or `unknown` when its agent has been silent for too long.
    pub phase: String,
    /// When its agent was last heard, if it has been silent for too long since.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub silent_since: Option<jiff::Timestamp>,
    /// Whether the engine says that it is ready; null while the engine says nothing.
    #[serde(default)]
    pub ready: Option<bool>,
    /// Why the engine says that it is not.
    #[serde(default)]
    pub reason: Option<String>,
    /// What it struggles with.
    pub problem: Option<String>,
    /// Processes on it.
    pub components: Vec<TopologyComponent>,
}

/// A component of a [`TopologyNode`].
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TopologyComponent {
    /// For example `kubelet`.
    pub name: String,
    /// `up`, `starting` ...
    pub state: String,
    /// Version, when known.
    pub version: Option<String>,
    /// Restarts so far.
    pub restarts: u32,
}
