//! Federations. Contract magnum-v1 section 2.10.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Link;

/// A group of clusters. It is only recorded; nothing is configured in the clusters.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Federation {
    /// Id.
    pub uuid: String,
    /// Name, not unique.
    pub name: String,
    /// The host cluster of the federation.
    pub hostcluster_id: String,
    /// Ids of the member clusters.
    pub member_ids: Vec<String>,
    /// `CREATE_COMPLETE`, or `UPDATE_COMPLETE` after a change.
    pub status: String,
    /// Properties, among them `dns-zone`.
    pub properties: BTreeMap<String, String>,
    /// Links.
    pub links: Vec<Link>,
    /// Description of the status. Not in short lists.
    #[serde(default)]
    pub status_reason: Option<String>,
    /// When it was created. Not in short lists.
    #[serde(default)]
    pub created_at: Option<String>,
    /// When it was last changed. Not in short lists.
    #[serde(default)]
    pub updated_at: Option<String>,
}

/// A list of federations.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FederationList {
    /// The federations.
    pub federations: Vec<Federation>,
    /// Link to the next page, if this one is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Body of `POST /v1/federations`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FederationCreate {
    /// Name; generated when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Id or name of the host cluster of the federation.
    pub hostcluster_id: String,
    /// Ids or names of the member clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_ids: Option<Vec<String>>,
    /// Properties; `dns-zone` is required.
    pub properties: BTreeMap<String, String>,
}
