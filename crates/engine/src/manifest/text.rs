//! Parses a manifest's text into a tree of values.

use serde::Deserialize as _;
use serde_json::{Map, Number, Value};
use serde_norway::Value as Yaml;

use super::{MAX_BYTES, invalid, join};
use crate::WorkloadError;

/// Most brackets that may be open at once in YAML. The parser takes quadratic time before it finds them too many (at
/// 128), so that a text of this size could keep a processor busy for long.
const MAX_OPEN: usize = 1000;

/// Parses the text, which must be a single document whose root is a mapping.
pub(super) fn read(text: &str) -> Result<Value, WorkloadError> {
    if text.len() > MAX_BYTES {
        return Err(invalid("", format!("has {} bytes, more than the {MAX_BYTES} that are allowed", text.len())));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Err(invalid("", "is empty"));
    }
    let tree = if text.starts_with('{') { json(text)? } else { yaml(text)? };
    let value = convert(tree, "")?;
    match value {
        Value::Object(_) => Ok(value),
        Value::Null => Err(invalid("", "is empty")),
        other => Err(invalid("", format!("must be a mapping of fields, not {}", super::sort(&other)))),
    }
}

/// JSON is parsed into the same tree as YAML, because that refuses duplicate keys.
fn json(text: &str) -> Result<Yaml, WorkloadError> {
    let not_json = |error: serde_json::Error| invalid("", format!("is not JSON: {error}"));
    let mut reader = serde_json::Deserializer::from_str(text);
    let tree = Yaml::deserialize(&mut reader).map_err(not_json)?;
    reader.end().map_err(not_json)?;
    Ok(tree)
}

fn yaml(text: &str) -> Result<Yaml, WorkloadError> {
    let not_yaml = |error: serde_norway::Error| invalid("", format!("is not YAML: {error}"));
    if most_open(text) > MAX_OPEN {
        return Err(invalid("", format!("has more than {MAX_OPEN} brackets open at once")));
    }
    let mut found = None;
    for document in serde_norway::Deserializer::from_str(text) {
        let mut tree = Yaml::deserialize(document).map_err(not_yaml)?;
        // Skip the empty documents that a leading or trailing `---` leaves.
        if tree.is_null() {
            continue;
        }
        if found.is_some() {
            return Err(invalid("", "has more than one YAML document; send them one by one"));
        }
        tree.apply_merge().map_err(not_yaml)?;
        found = Some(tree);
    }
    Ok(found.unwrap_or(Yaml::Null))
}

/// The most brackets open at once. Those in quotes and in blocks of text count too: no real manifest comes near the
/// limit.
fn most_open(text: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

/// Converts to JSON. YAML that JSON cannot express is an error in a manifest.
fn convert(tree: Yaml, path: &str) -> Result<Value, WorkloadError> {
    Ok(match tree {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => Value::Bool(flag),
        Yaml::String(text) => Value::String(text),
        Yaml::Number(number) => number_of(&number)
            .map(Value::Number)
            .ok_or_else(|| invalid(path, format!("{number} is not a number that Kubernetes knows")))?,
        Yaml::Sequence(items) => Value::Array(
            items
                .into_iter()
                .enumerate()
                .map(|(index, item)| convert(item, &format!("{path}[{index}]")))
                .collect::<Result<_, _>>()?,
        ),
        Yaml::Mapping(fields) => {
            let mut object = Map::with_capacity(fields.len());
            for (key, field) in fields {
                let Yaml::String(key) = key else {
                    let shown = serde_norway::to_string(&key).unwrap_or_default();
                    return Err(invalid(
                        path,
                        format!("has a key that is no text: {} (put it in quotes)", shown.trim()),
                    ));
                };
                let field = convert(field, &join(path, &key))?;
                object.insert(key, field);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => {
            return Err(invalid(path, format!("has the YAML tag {}, which means nothing here", tagged.tag)));
        }
    })
}

fn number_of(number: &serde_norway::Number) -> Option<Number> {
    if let Some(whole) = number.as_i64() {
        Some(whole.into())
    } else if let Some(whole) = number.as_u64() {
        Some(whole.into())
    } else {
        number.as_f64().and_then(Number::from_f64)
    }
}
