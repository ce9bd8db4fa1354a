//! What is wrong with a cluster and what to do about it. An extension; not in Magnum.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Cause;
use crate::operation::{OperationKind, OperationStatus};

/// Body of `GET /v1/clusters/{ident}/why`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Why {
    /// Id of the cluster.
    pub uuid: Uuid,
    /// Name of the cluster.
    pub name: String,
    /// Magnum's status of the cluster.
    pub status: String,
    /// `HEALTHY`, `UNHEALTHY`, `UNKNOWN`; null before the first health check.
    pub health_status: Option<String>,
    /// Summary in one line.
    pub summary: String,
    /// Problems, most important first. Empty if there are none.
    pub problems: Vec<WhyProblem>,
    /// Recent attempts, newest first: repairs and failed operations of the last day.
    pub tried: Vec<WhyTried>,
    /// Whether automatic repair is on, and why not if it is off.
    pub healing: String,
}

/// A problem of a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WhyProblem {
    /// The affected object: a node, a step of an operation, or `cluster`.
    pub subject: String,
    /// The cause, who must act, and the action.
    pub cause: Cause,
    /// Since when, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<jiff::Timestamp>,
    /// The command to run, if one helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// An attempt to change or repair the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WhyTried {
    /// Id of the operation.
    pub operation: Uuid,
    /// Kind of the operation.
    pub kind: OperationKind,
    /// Result of the operation.
    pub status: OperationStatus,
    /// Time of the attempt.
    #[schema(value_type = String, format = DateTime)]
    pub at: jiff::Timestamp,
    /// Why it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}
