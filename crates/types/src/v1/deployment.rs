//! The deployment: which database this is, and whether it is the right one. Ours; Magnum has no such route.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A deployment: all servers at one database, and what they made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Deployment {
    /// Its id. What is made carries it as a mark.
    pub id: String,
    /// Rises with every start of a server and whenever an operation is asked for, taken or ended.
    pub number: i64,
    /// Why nothing is made or removed; null when all is well.
    pub hold: Option<DeploymentHold>,
    /// Servers that were started at this database, newest first.
    pub instances: Vec<Instance>,
}

/// Why nothing is made or removed until the operator has chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeploymentHold {
    /// Since when.
    pub since: String,
    /// What was found.
    pub evidence: Vec<Evidence>,
    /// What the operator can do.
    pub action: String,
}

/// Something that this database should know and does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Evidence {
    /// Of what sort.
    pub kind: EvidenceKind,
    /// What was found, in a sentence.
    pub message: String,
    /// The number that was seen, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// The server that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Uuid>,
    /// Where that server answers, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Of what sort evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum EvidenceKind {
    /// Something at the infrastructure carries a higher number than the database has.
    Number,
    /// A server of the same id left its mark at the infrastructure, and the database does not know it.
    Instance,
    /// A server of the same id answers, and works with another database.
    Neighbour,
    /// An agent was told a higher number than the database has.
    Agent,
}

/// A server that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Instance {
    /// Its id; another one for every start.
    pub uuid: Uuid,
    /// The machine that it ran on.
    pub host: String,
    /// When it was started.
    pub started_at: String,
}
