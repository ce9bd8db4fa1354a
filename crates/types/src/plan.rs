//! What a change would do, before it is asked for. Ours; Magnum has nothing like it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Cause;
use crate::operation::OperationKind;

/// The answer to a change with `?dry_run=true`: nothing was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Plan {
    /// What it was made from, as a token. The same request with this in the header `X-Jeroboam-Plan` is carried out only
    /// while all of that is unchanged.
    pub id: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: jiff::Timestamp,
    /// The operation that would begin; none when the change takes effect at once, or is none.
    pub kind: Option<OperationKind>,
    /// Name of the cluster.
    pub cluster_name: Option<String>,
    /// Id of the cluster; none while there is no such cluster.
    pub cluster_uuid: Option<Uuid>,
    /// The operation that does it already: no other would begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<Uuid>,
    /// Operations on the cluster that have not ended, and that it would wait for. The steps are those from how things
    /// stand now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<Uuid>,
    /// What the change disturbs the moment it is asked for, before any step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbs_at_once: Vec<Disturbance>,
    /// The steps in order.
    pub steps: Vec<PlannedStep>,
    /// Why the operation would fail before it has done anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Cause>,
}

/// A step of a [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlannedStep {
    /// As in the operation, for example `machine/demo-worker-0`.
    pub key: String,
    /// For people, for example `Start machine demo-worker-0`.
    pub title: String,
    /// Steps of one stage run side by side; stages run one after the other.
    pub stage: u16,
    /// What is missing, or is too much.
    pub because: String,
    /// What it does to what runs in the cluster. Nothing when it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbs: Vec<Disturbance>,
}

/// What a change does to what runs in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Disturbance {
    /// For programs.
    pub kind: DisturbanceKind,
    /// For people.
    pub message: String,
}

/// The sorts of [`Disturbance`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DisturbanceKind {
    /// Components of a node start anew; workloads go on.
    ComponentsRestart,
    /// The cluster's API is away for some seconds; workloads go on.
    ApiAway,
    /// Workloads stop where they are, and start there again.
    WorkloadsRestart,
    /// Workloads move to other nodes, or end where no other takes them.
    WorkloadsMove,
    /// Workloads end.
    WorkloadsEnd,
    /// What is on a disk is given up.
    DataLost,
    /// Certificates and keys that users have are void.
    CredentialsVoid,
}
