//! Quotas in responses.

use jeroboam_model::{Quota, QuotaDefaults, QuotaResource};
use jeroboam_types::v1;
use serde_json::Value;

use crate::http::reply;

/// The value that means no limit.
const UNLIMITED: i64 = -1;

/// Attributes that only stored quotas have.
const OF_KEPT: [&str; 2] = ["created_at", "updated_at"];

/// A stored quota.
pub(super) fn show(quota: &Quota) -> Value {
    Value::Object(reply::attributes(v1::Quota {
        id: Some(quota.id),
        project_id: quota.project_id.clone(),
        resource: quota.resource.to_string(),
        hard_limit: quota.hard_limit.into(),
        created_at: Some(reply::time(quota.created_at)),
        updated_at: quota.updated_at.map(reply::time),
    }))
}

/// The default, for projects without a stored quota.
pub(super) fn default(project: String, resource: QuotaResource, defaults: QuotaDefaults) -> Value {
    let mut attributes = reply::attributes(v1::Quota {
        id: None,
        project_id: project,
        resource: resource.to_string(),
        hard_limit: defaults.of(resource).map_or(UNLIMITED, i64::from),
        created_at: None,
        updated_at: None,
    });
    attributes.retain(|name, _| !OF_KEPT.contains(&name.as_str()));
    Value::Object(attributes)
}
