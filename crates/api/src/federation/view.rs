//! Federations in responses, the same in all microversions.

use jeroboam_model::Federation;
use jeroboam_types::v1;
use serde_json::Value;

use crate::http::{Caller, reply};

/// Attributes that short lists do not have.
const NOT_IN_SUMMARIES: [&str; 3] = ["status_reason", "created_at", "updated_at"];

/// A federation in full.
pub(super) fn show(federation: &Federation, caller: &Caller) -> Value {
    Value::Object(reply::attributes(v1::Federation {
        uuid: federation.uuid.to_string(),
        name: federation.name.clone(),
        hostcluster_id: federation.host_cluster.to_string(),
        member_ids: federation.members.iter().map(ToString::to_string).collect(),
        status: federation.status.to_string(),
        properties: federation.properties.clone(),
        links: reply::links(&caller.base, "federations", federation.uuid),
        status_reason: federation.status_reason.clone(),
        created_at: Some(reply::time(federation.created_at)),
        updated_at: federation.updated_at.map(reply::time),
    }))
}

/// A federation in a short list.
pub(super) fn summary(federation: &Federation, caller: &Caller) -> Value {
    let mut shown = show(federation, caller);
    if let Value::Object(attributes) = &mut shown {
        attributes.retain(|name, _| !NOT_IN_SUMMARIES.contains(&name.as_str()));
    }
    shown
}
