//! Labels: the known ones, and those in effect. An extension; not in Magnum.

use serde::{Deserialize, Serialize};

/// A known label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Label {
    /// Name of the label.
    pub name: String,
    /// `text`, `boolean`, `integer`, `choice`, `network`, `networks` or `version`.
    #[serde(rename = "type")]
    pub value_type: String,
    /// Allowed values, in words.
    pub allowed: String,
    /// Allowed values of a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The default value.
    pub default: Option<String>,
    /// Engines that support it: `kubernetes`, `swarm`.
    pub engines: Vec<String>,
    /// Whether it has an effect here. Magnum's other labels are accepted without effect.
    pub has_effect: bool,
    /// Scope: `cluster`, or `node_group` when it can differ between groups.
    pub reach: String,
    /// How it can be changed after creation: `never`, `upgrade`, or `node_group` for the attribute of the same name of
    /// the group.
    pub change: String,
    /// The version of Jeroboam that introduced it.
    pub since: Option<String>,
    /// Description of its effect.
    pub description: String,
}

/// Body of `GET /v1/labels`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LabelList {
    /// The labels that the operator accepts: `strict` (those with an effect), `magnum` (also Magnum's other ones) or
    /// `any`.
    pub rules: String,
    /// Labels, those with an effect first.
    pub labels: Vec<Label>,
}

/// A label in effect for a template, cluster or node group, and the source of its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExplainedLabel {
    /// Name of the label.
    pub name: String,
    /// The effective value; null if it is not set and has no default.
    pub value: Option<String>,
    /// Source of the value: `default`, `template`, `cluster` or `node_group`.
    pub source: String,
    /// Whether it has an effect.
    pub has_effect: bool,
    /// Additional information.
    pub note: Option<String>,
}

/// Body of `GET /v1/clusters/{ident}/labels` and similar routes.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LabelExplanation {
    /// All labels that have an effect for the engine, set or not, and all other labels that are set; by name.
    pub labels: Vec<ExplainedLabel>,
}
