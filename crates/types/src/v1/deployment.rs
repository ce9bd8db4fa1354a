//! The deployment, and whether its database is the current one. An extension; not in Magnum.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A deployment: all servers that use one database, and the resources they created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Deployment {
    /// Id of the deployment. All created resources are marked with it.
    pub id: String,
    /// Increases with every start of a server and whenever an operation is requested, started or finished.
    pub number: i64,
    /// Why nothing is created or removed; null if nothing is wrong.
    pub hold: Option<DeploymentHold>,
    /// Servers that used this database, newest first.
    pub instances: Vec<Instance>,
}

/// Why nothing is created or removed until the operator has decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeploymentHold {
    /// Start of the hold.
    pub since: String,
    /// Evidence for an outdated or copied database.
    pub evidence: Vec<Evidence>,
    /// Options of the operator.
    pub action: String,
}

/// Evidence of something that this database should contain but does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Evidence {
    /// Kind of evidence.
    pub kind: EvidenceKind,
    /// Description in one sentence.
    pub message: String,
    /// The number that was seen, if the evidence is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Instance id of the server, if the evidence is about a server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Uuid>,
    /// URL of that server, if it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Kinds of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum EvidenceKind {
    /// A resource at the infrastructure is marked with a higher number than that of the database.
    Number,
    /// A server with the same deployment id left its mark at the infrastructure, and is not in the database.
    Instance,
    /// A server with the same deployment id answers, but uses another database.
    Neighbour,
    /// An agent has received a higher number than that of the database.
    Agent,
}

/// One run of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Instance {
    /// Instance id; new for every start.
    pub uuid: Uuid,
    /// Name of the host that it ran on.
    pub host: String,
    /// When it was started.
    pub started_at: String,
}
