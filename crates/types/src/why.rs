//! What is wrong with a cluster and what to do about it. Ours; Magnum has nothing like it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Cause;
use crate::operation::{OperationKind, OperationStatus};

/// Body of `GET /v1/clusters/{ident}/why`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Why {
    /// The cluster's id.
    pub uuid: Uuid,
    /// The cluster's name.
    pub name: String,
    /// Status.
    pub status: String,
    /// `HEALTHY`, `UNHEALTHY`, `UNKNOWN`; none before the first look.
    pub health_status: Option<String>,
    /// All of it in a line.
    pub summary: String,
    /// What is wrong, what matters most first. Empty: nothing is.
    pub problems: Vec<WhyProblem>,
    /// What was tried lately, newest first: operations of the last day that did not end well, and repairs.
    pub tried: Vec<WhyTried>,
    /// Whether what is missing is repaired by itself, and why not if it is not.
    pub healing: String,
}

/// Something that is wrong with a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WhyProblem {
    /// What it is about: a node, a step of an operation, or `cluster`.
    pub subject: String,
    /// What it is, who must act, and what to do.
    pub cause: Cause,
    /// Since when, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<jiff::Timestamp>,
    /// The command to type, if one helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// Something that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WhyTried {
    /// The operation.
    pub operation: Uuid,
    /// What it was.
    pub kind: OperationKind,
    /// How it ended.
    pub status: OperationStatus,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: jiff::Timestamp,
    /// Why it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}
