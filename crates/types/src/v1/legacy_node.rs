//! The nodes of the API of 2015. Contract workloads-2015 section 2.1.

use serde::{Deserialize, Serialize};

use super::Link;

/// An entry in a list of machines, with nothing behind it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Node)]
pub struct LegacyNode {
    /// Id.
    pub uuid: String,
    /// `virt`, `bare` or any other word.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Image.
    pub image_id: Option<String>,
    /// The machine at Ironic.
    pub ironic_node_id: Option<String>,
    /// Links.
    pub links: Vec<Link>,
    /// When it was made. Not in short lists.
    #[serde(default)]
    pub created_at: Option<String>,
    /// When it was last changed. Not in short lists.
    #[serde(default)]
    pub updated_at: Option<String>,
}

/// A list of nodes.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NodeList)]
pub struct LegacyNodeList {
    /// The nodes.
    pub nodes: Vec<LegacyNode>,
    /// Link to the next page, when this one is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Body of `POST /v1/nodes`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NodeCreate)]
pub struct LegacyNodeCreate {
    /// Chosen by the client, or made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// At most 20 characters.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// The machine at Ironic; in one entry only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ironic_node_id: Option<String>,
}
