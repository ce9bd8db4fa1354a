//! Nodes of 2015 in responses.

use jeroboam_model::LegacyNode;
use jeroboam_types::v1;
use serde_json::Value;

use crate::http::{Caller, reply};

/// Attributes that short lists do not have.
const NOT_IN_SUMMARIES: [&str; 2] = ["created_at", "updated_at"];

/// A node in full.
pub(super) fn show(node: &LegacyNode, caller: &Caller) -> Value {
    Value::Object(reply::attributes(v1::LegacyNode {
        uuid: node.uuid.to_string(),
        kind: node.kind.clone(),
        image_id: node.image_id.clone(),
        ironic_node_id: node.ironic_node_id.clone(),
        links: reply::links(&caller.base, "nodes", node.uuid),
        created_at: Some(reply::time(node.created_at)),
        updated_at: node.updated_at.map(reply::time),
    }))
}

/// A node in a short list.
pub(super) fn summary(node: &LegacyNode, caller: &Caller) -> Value {
    let mut shown = show(node, caller);
    if let Value::Object(attributes) = &mut shown {
        attributes.retain(|name, _| !NOT_IN_SUMMARIES.contains(&name.as_str()));
    }
    shown
}
