//! The nodes of the API of 2015. Contract workloads-2015 section 2.1.

use serde::{Deserialize, Serialize};

use super::Link;

/// An entry in a list of machines. It is only recorded; there is no machine behind it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Node)]
pub struct LegacyNode {
    /// Id.
    pub uuid: String,
    /// `virt`, `bare` or any other text.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Image of the machine.
    pub image_id: Option<String>,
    /// Id of the machine at Ironic.
    pub ironic_node_id: Option<String>,
    /// Links.
    pub links: Vec<Link>,
    /// When it was created. Not in short lists.
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
    /// Link to the next page, if this one is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Body of `POST /v1/nodes`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NodeCreate)]
pub struct LegacyNodeCreate {
    /// Id, chosen by the client or generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Type, at most 20 characters.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Image of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// Id of the machine at Ironic; unique among the entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ironic_node_id: Option<String>,
}
