//! What a change would do, before it is requested. An extension; not in Magnum.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Cause;
use crate::operation::OperationKind;

/// The response to a change with `?dry_run=true`: nothing was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Plan {
    /// Token for the state that the plan is based on. The same request with this in the header `X-Jeroboam-Plan` is
    /// carried out only if that state is unchanged.
    pub id: String,
    /// When the plan was created.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: jiff::Timestamp,
    /// The operation that would start; null when the change takes effect at once, or changes nothing.
    pub kind: Option<OperationKind>,
    /// Name of the cluster.
    pub cluster_name: Option<String>,
    /// Id of the cluster; null if it does not exist yet.
    pub cluster_uuid: Option<Uuid>,
    /// The operation that does this already: no other would start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<Uuid>,
    /// Unfinished operations on the cluster, for which it would wait. The steps are based on the current state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<Uuid>,
    /// What the change disrupts immediately, before any step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbs_at_once: Vec<Disturbance>,
    /// Steps in order.
    pub steps: Vec<PlannedStep>,
    /// Why the operation would fail before its first change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Cause>,
}

/// A step of a [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlannedStep {
    /// Key of the step in the operation, for example `machine/demo-worker-0`.
    pub key: String,
    /// Title for people, for example `Start machine demo-worker-0`.
    pub title: String,
    /// Steps of one stage run in parallel; stages run in sequence.
    pub stage: u16,
    /// Why the step is needed: what is missing, or no longer wanted.
    pub because: String,
    /// What the step disrupts in the cluster. Empty if nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbs: Vec<Disturbance>,
}

/// How a change disrupts a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Disturbance {
    /// Kind of disruption, for programs.
    pub kind: DisturbanceKind,
    /// Description for people.
    pub message: String,
}

/// Kinds of [`Disturbance`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DisturbanceKind {
    /// Components of a node restart; workloads keep running.
    ComponentsRestart,
    /// The cluster's API is unavailable for some seconds; workloads keep running.
    ApiAway,
    /// Workloads stop and restart on the same node.
    WorkloadsRestart,
    /// Workloads move to other nodes, or stop if no other node accepts them.
    WorkloadsMove,
    /// Workloads stop.
    WorkloadsEnd,
    /// Data on a disk is lost.
    DataLost,
    /// Users' certificates and keys become invalid.
    CredentialsVoid,
}
