//! Manifests: from a user's text to an object that can be sent to Kubernetes (contract workloads-2015 section 2.2).
//!
//! The contract accepts everything that Kubernetes might accept. We are stricter where that helps the user: kind and
//! version must fit the resource, and a field that Kubernetes would silently drop (a misspelt one) is an error.
//!
//! - `text`: parses text into a tree of values.
//! - `rules`: required fields, by kind.
//! - `coerce`: converts spellings that kubectl accepts.
//! - `strict`: rejects fields that no Kubernetes object has.
//! - [`fetch`]: manifests by URL; `address`: internal addresses, which are refused.

mod address;
mod coerce;
pub mod fetch;
pub(crate) mod rules;
mod strict;
#[cfg(test)]
mod tests;
mod text;

pub use fetch::ManifestFetcher;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::WorkloadError;

/// Bytes that a manifest may have (`max_manifest_size`, contract workloads-2015 section 2.2).
pub const MAX_BYTES: usize = 524_288;

/// A valid manifest. [`Manifest::parse`] is the only way to create one.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest<K> {
    name: String,
    object: K,
}

/// A kind of object that manifests may describe.
pub trait Kind: Serialize + DeserializeOwned + rules::Rules {}

impl<K: Serialize + DeserializeOwned + rules::Rules> Kind for K {}

impl<K: Kind> Manifest<K> {
    /// Reads a manifest, JSON if its first character is `{`, else YAML, and checks it.
    ///
    /// # Errors
    /// [`WorkloadError::Invalid`]; its field is `manifest`, or `manifest: PATH` for a place inside.
    pub fn parse(text: &str) -> Result<Self, WorkloadError> {
        let mut value = text::read(text)?;
        let name = rules::identity::<K>(&mut value)?;
        coerce::coerce(&mut value);
        K::required(&value)?;
        let object: K = serde_path_to_error::deserialize(&value).map_err(|error| {
            let path = error.path().to_string();
            let mut message = error.inner().to_string();
            if message.ends_with("expected a string") {
                message.push_str(" (put it in quotes)");
            }
            invalid(if path == "." { "" } else { &path }, message)
        })?;
        let known = serde_json::to_value(&object)
            .map_err(|error| invalid("", format!("cannot be serialized as JSON: {error}")))?;
        strict::unknown_fields(&value, &known, K::KIND)?;
        Ok(Self { name, object })
    }

    /// `metadata.name`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn object(&self) -> &K {
        &self.object
    }
}

/// An error at a place inside the manifest, or about all of it when `path` is empty.
fn invalid(path: &str, message: impl Into<String>) -> WorkloadError {
    let field = if path.is_empty() { "manifest".to_owned() } else { format!("manifest: {path}") };
    WorkloadError::Invalid { field, message: message.into() }
}

/// `a.b`, or `b` when `a` is the root.
fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The type of a value, for messages.
fn sort(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
