//! Rejects fields that no Kubernetes object has. Kubernetes drops them with a warning that our clients would not see,
//! and the pod then does not do what its manifest says.

use serde_json::Value;

use super::{invalid, join};
use crate::WorkloadError;

/// Compares the manifest with the result of parsing it into the typed object: fields missing there are unknown.
///
/// Empty values are ignored: the typed objects do not write them, and they have no effect.
pub(super) fn unknown_fields(sent: &Value, known: &Value, kind: &str) -> Result<(), WorkloadError> {
    compare(sent, Some(known), "", kind)
}

fn compare(sent: &Value, known: Option<&Value>, path: &str, kind: &str) -> Result<(), WorkloadError> {
    if is_empty(sent) {
        return Ok(());
    }
    let Some(known) = known else {
        return Err(invalid(path, format!("no {kind} has such a field; check its spelling and its place")));
    };
    match (sent, known) {
        (Value::Object(sent), Value::Object(known)) => {
            sent.iter().try_for_each(|(key, value)| compare(value, known.get(key), &join(path, key), kind))
        }
        (Value::Array(sent), Value::Array(known)) => sent
            .iter()
            .enumerate()
            .try_for_each(|(index, value)| compare(value, known.get(index), &format!("{path}[{index}]"), kind)),
        _ => Ok(()),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
