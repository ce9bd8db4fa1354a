//! Labels: what there are, and which ones hold. Ours; Magnum has no such routes.

use serde::{Deserialize, Serialize};

/// A label that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// `text`, `boolean`, `integer`, `choice`, `network`, `networks` or `version`.
    #[serde(rename = "type")]
    pub value_type: String,
    /// What is allowed, in words.
    pub allowed: String,
    /// Of a choice: the values that are allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// What holds where nobody gives it.
    pub default: Option<String>,
    /// Engines that it is for: `kubernetes`, `swarm`.
    pub engines: Vec<String>,
    /// Whether it does anything here. Magnum's other labels are accepted and do nothing.
    pub has_effect: bool,
    /// How far it reaches: `cluster`, or `node_group` when every group may have its own.
    pub reach: String,
    /// How it can be changed once there is a cluster: `never`, `upgrade`, or `node_group` for the attribute of the same
    /// name of the group.
    pub change: String,
    /// The version of Jeroboam that first understood it.
    pub since: Option<String>,
    /// What it does.
    pub description: String,
}

/// Body of `GET /v1/labels`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LabelList {
    /// Which labels the operator accepts: `strict` (those with an effect), `magnum` (also Magnum's other ones) or `any`.
    pub rules: String,
    /// Items, those with an effect first.
    pub labels: Vec<Label>,
}

/// A label that holds for a template, cluster or node group, and where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExplainedLabel {
    /// Its name.
    pub name: String,
    /// The value that holds; null when nobody gives it and there is no default.
    pub value: Option<String>,
    /// Where it comes from: `default`, `template`, `cluster` or `node_group`.
    pub source: String,
    /// Whether it does anything.
    pub has_effect: bool,
    /// What is worth knowing about it besides.
    pub note: Option<String>,
}

/// Body of `GET /v1/clusters/{ident}/labels` and its like.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LabelExplanation {
    /// Those that do something for the engine, given or not, and all that somebody gives; by name.
    pub labels: Vec<ExplainedLabel>,
}
