//! Quotas. Contract magnum-v1 section 2.7.

use serde::{Deserialize, Serialize};

/// The limit on a resource for a project.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Quota {
    /// Numeric id; absent for a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Id of the project.
    pub project_id: String,
    /// `Cluster`, `WorkerNode` (nodes that are not masters) or `MasterNode`.
    pub resource: String,
    /// Maximum number; -1 is unlimited, as a default only.
    pub hard_limit: i64,
    /// When it was created; absent for a default.
    #[serde(default)]
    pub created_at: Option<String>,
    /// When it was last changed; absent for a default.
    #[serde(default)]
    pub updated_at: Option<String>,
}

/// A list of quotas.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuotaList {
    /// The quotas.
    pub quotas: Vec<Quota>,
    /// Link to the next page, if this one is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Body of `POST /v1/quotas`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuotaCreate {
    /// Id of the project.
    pub project_id: String,
    /// Resource; `Cluster` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Limit; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_limit: Option<u32>,
}

/// Body of `PATCH /v1/quotas/{project_id}/{resource}`; project and resource are taken from the path.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuotaUpdate {
    /// New limit; unchanged when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_limit: Option<u32>,
}
