//! Required fields of a manifest, by kind (contract workloads-2015 section 2.2).

use k8s_openapi::api::core::v1::{Pod, ReplicationController, Service};
use serde_json::Value;

use super::{invalid, join, sort};
use crate::WorkloadError;

/// The current version of all three kinds.
const API_VERSION: &str = "v1";
/// The version of 2015 that the contract's clients may still send. Its objects are those of `v1`.
const OLD_API_VERSION: &str = "v1beta3";
/// The only namespace that the API works in (contract workloads-2015 section 2.4).
pub(crate) const NAMESPACE: &str = "default";
/// Longest name in characters (RFC 1123 subdomain, as Kubernetes checks it).
const MAX_SUBDOMAIN: usize = 253;
/// Longest name of a service in characters (RFC 1035 label, as Kubernetes checks it).
const MAX_LABEL: usize = 63;

/// Rules of one kind.
pub trait Rules {
    /// `kind` in the manifest.
    const KIND: &'static str;
    /// The API route of the kind.
    const ROUTE: &'static str;
    /// Checks that `name` is valid for this kind.
    ///
    /// # Errors
    /// What a name must look like.
    fn name(name: &str) -> Result<(), &'static str> {
        if is_subdomain(name) {
            Ok(())
        } else {
            Err("must be 1 to 253 lower-case letters, digits, '-' and '.', and begin and end with a letter or digit")
        }
    }
    /// Checks that the required fields are present.
    ///
    /// # Errors
    /// Names the missing field.
    fn required(manifest: &Value) -> Result<(), WorkloadError>;
}

impl Rules for Pod {
    const KIND: &'static str = "Pod";
    const ROUTE: &'static str = "pods";

    fn required(manifest: &Value) -> Result<(), WorkloadError> {
        containers(manifest, "spec")
    }
}

impl Rules for ReplicationController {
    const KIND: &'static str = "ReplicationController";
    const ROUTE: &'static str = "rcs";

    fn required(manifest: &Value) -> Result<(), WorkloadError> {
        let replicas = look(manifest, "spec.replicas")?;
        if !replicas.is_null() && replicas.as_i64().is_none() {
            return Err(invalid("spec.replicas", format!("must be a whole number, not {}", sort(replicas))));
        }
        mapping(manifest, "spec.selector")?;
        mapping(manifest, "spec.template.metadata.labels")?;
        containers(manifest, "spec.template.spec")
    }
}

impl Rules for Service {
    const KIND: &'static str = "Service";
    const ROUTE: &'static str = "services";

    fn name(name: &str) -> Result<(), &'static str> {
        let fits = (1..=MAX_LABEL).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && !name.ends_with('-')
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits { Ok(()) } else { Err("must be 1 to 63 lower-case letters, digits and '-', and begin with a letter") }
    }

    fn required(manifest: &Value) -> Result<(), WorkloadError> {
        match look(manifest, "spec.ports")? {
            Value::Array(_) => Ok(()),
            Value::Null => Err(missing("spec.ports")),
            other => Err(invalid("spec.ports", format!("must be a list, not {}", sort(other)))),
        }
    }
}

/// Whether `name` is a valid name for most Kubernetes objects. Also keeps slashes out of URL paths.
pub(crate) fn is_subdomain(name: &str) -> bool {
    (1..=MAX_SUBDOMAIN).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        && name.split('.').all(|part| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-'))
}

/// Checks version, kind, namespace and name; replaces the old version by the current one. Returns the name.
pub(super) fn identity<K: Rules>(manifest: &mut Value) -> Result<String, WorkloadError> {
    match look(manifest, "kind")? {
        Value::String(kind) if kind == K::KIND => {}
        Value::Null => return Err(missing("kind")),
        other => {
            let found = other.as_str().map_or_else(|| sort(other).to_owned(), ToOwned::to_owned);
            return Err(invalid("kind", format!("must be {} for /v1/{}, not {found}", K::KIND, K::ROUTE)));
        }
    }
    match look(manifest, "apiVersion")? {
        Value::String(version) if version == API_VERSION => {}
        Value::String(version) if version == OLD_API_VERSION => manifest["apiVersion"] = API_VERSION.into(),
        Value::Null => return Err(missing("apiVersion")),
        other => {
            let found = other.as_str().map_or_else(|| sort(other).to_owned(), ToOwned::to_owned);
            return Err(invalid("apiVersion", format!("must be {API_VERSION}, not {found}")));
        }
    }
    match look(manifest, "metadata.namespace")? {
        Value::Null => {}
        Value::String(namespace) if namespace == NAMESPACE => {}
        _ => {
            return Err(invalid(
                "metadata.namespace",
                format!("must be {NAMESPACE} or left out: this API works in that namespace only"),
            ));
        }
    }
    let name = match look(manifest, "metadata.name")? {
        Value::String(name) => name.clone(),
        Value::Null => return Err(missing("metadata.name")),
        other => return Err(invalid("metadata.name", format!("must be text, not {} (put it in quotes)", sort(other)))),
    };
    K::name(&name).map_err(|rule| invalid("metadata.name", rule))?;
    Ok(name)
}

fn containers(manifest: &Value, spec: &str) -> Result<(), WorkloadError> {
    let path = join(spec, "containers");
    let list = match look(manifest, &path)? {
        Value::Array(list) if !list.is_empty() => list,
        Value::Null | Value::Array(_) => return Err(missing(&path)),
        other => return Err(invalid(&path, format!("must be a list, not {}", sort(other)))),
    };
    for (index, container) in list.iter().enumerate() {
        let place = format!("{path}[{index}]");
        if !container.is_object() {
            return Err(invalid(&place, format!("must be a mapping, not {}", sort(container))));
        }
        let image = join(&place, "image");
        match container.get("image") {
            Some(Value::String(text)) if !text.trim().is_empty() => {}
            None | Some(Value::Null | Value::String(_)) => return Err(missing(&image)),
            Some(other) => return Err(invalid(&image, format!("must be text, not {}", sort(other)))),
        }
    }
    Ok(())
}

fn mapping(manifest: &Value, path: &str) -> Result<(), WorkloadError> {
    match look(manifest, path)? {
        Value::Object(fields) if !fields.is_empty() => Ok(()),
        Value::Null | Value::Object(_) => Err(missing(path)),
        other => Err(invalid(path, format!("must be a mapping, not {}", sort(other)))),
    }
}

fn missing(path: &str) -> WorkloadError {
    invalid(path, "is required")
}

/// The value at a path of field names; null when it or a parent is missing.
fn look<'v>(manifest: &'v Value, path: &str) -> Result<&'v Value, WorkloadError> {
    let mut at = manifest;
    let mut walked = String::new();
    for key in path.split('.') {
        match at {
            Value::Object(fields) => at = fields.get(key).unwrap_or(&Value::Null),
            Value::Null => return Ok(&Value::Null),
            other => return Err(invalid(&walked, format!("must be a mapping, not {}", sort(other)))),
        }
        walked = join(&walked, key);
    }
    Ok(at)
}
