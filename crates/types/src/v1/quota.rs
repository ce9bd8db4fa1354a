//! Quotas. Contract magnum-v1 section 2.7.

use serde::{Deserialize, Serialize};

/// How much of a resource a project may have.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Quota {
    /// Number; none where the default holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The project.
    pub project_id: String,
    /// `Cluster`, `WorkerNode` (nodes that are no masters) or `MasterNode`.
    pub resource: String,
    /// How many there may be; -1 is any number, as a default only.
    pub hard_limit: i64,
    /// When it was made; not there where the default holds.
    #[serde(default)]
    pub created_at: Option<String>,
    /// When it was last changed; not there where the default holds.
    #[serde(default)]
    pub updated_at: Option<String>,
}

/// A list of quotas.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuotaList {
    /// The quotas.
    pub quotas: Vec<Quota>,
    /// Link to the next page, when this one is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Body of `POST /v1/quotas`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuotaCreate {
    /// The project, by id.
    pub project_id: String,
    /// `Cluster` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// 1 when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_limit: Option<u32>,
}

/// Body of `PATCH /v1/quotas/{project_id}/{resource}`; what the path says counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuotaUpdate {
    /// Another limit; it stays when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_limit: Option<u32>,
}
