//! Federations. Contract magnum-v1 section 2.10.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Link;

/// Clusters that belong together. They are written down; nothing is set up in the clusters.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Federation {
    /// Id.
    pub uuid: String,
    /// Name, not unique.
    pub name: String,
    /// The cluster that is to host the federation.
    pub hostcluster_id: String,
    /// Clusters in it.
    pub member_ids: Vec<String>,
    /// `CREATE_COMPLETE`, or `UPDATE_COMPLETE` after a change.
    pub status: String,
    /// Properties, among them `dns-zone`.
    pub properties: BTreeMap<String, String>,
    /// Links.
    pub links: Vec<Link>,
    /// What the status means. Not in short lists.
    #[serde(default)]
    pub status_reason: Option<String>,
    /// When it was made. Not in short lists.
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
    /// Link to the next page, when this one is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Body of `POST /v1/federations`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FederationCreate {
    /// Made up when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Id or name of the cluster that is to host the federation.
    pub hostcluster_id: String,
    /// Ids or names of clusters in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_ids: Option<Vec<String>>,
    /// Must have `dns-zone`.
    pub properties: BTreeMap<String, String>,
}
