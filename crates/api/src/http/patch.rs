//! Magnum's dialect of JSON patch (contract magnum-v1 section 2.12).

use serde_json::{Map, Value};

use super::{ApiError, Result, literal};

/// Attributes of every resource that no patch may touch.
const INTERNAL: [&str; 7] = ["created_at", "id", "links", "updated_at", "uuid", "project_id", "user_id"];

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Add,
    Replace,
    Remove,
}

/// An operation of a patch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operation {
    pub(crate) kind: Kind,
    /// The attribute.
    pub(crate) name: String,
    /// The key inside it, if any.
    pub(crate) key: Option<String>,
    /// Not null when the operation needs one.
    pub(crate) value: Value,
}

/// How a resource's attributes may be patched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Attributes that no patch may touch, besides those that no resource allows.
    pub(crate) internal: &'static [&'static str],
    /// Attributes that cannot be removed.
    pub(crate) mandatory: &'static [&'static str],
    /// Attributes that hold dictionaries; their new values may be written as text.
    pub(crate) dictionaries: &'static [&'static str],
}

/// Reads the operations of a patch.
pub(crate) fn parse(operations: Vec<Value>) -> Result<Vec<Operation>> {
    operations.into_iter().map(parse_one).collect()
}

fn parse_one(operation: Value) -> Result<Operation> {
    let Value::Object(mut map) = operation else {
        return Err(ApiError::body("Every operation of a patch must be an object."));
    };
    let mut text = |name: &str| match map.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(ApiError::field(name, "must be a string in every operation of a patch")),
    };
    let (op, path) = (text("op")?, text("path")?);
    let value = map.remove("value").unwrap_or(Value::Null);
    if let Some(other) = map.keys().next() {
        return Err(ApiError::field(other, "is not part of an operation. Use op, path and value"));
    }
    let kind = match op.as_str() {
        "add" => Kind::Add,
        "replace" => Kind::Replace,
        "remove" => Kind::Remove,
        other => return Err(ApiError::field("op", format!("must be add, replace or remove, this is '{other}'"))),
    };
    let is_word = |part: &str| {
        !part.is_empty() && part.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-'))
    };
    let mut parts = path.strip_prefix('/').unwrap_or_default().split('/');
    let (name, key, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    if !path.starts_with('/') || !is_word(name) || !key.is_none_or(is_word) || rest.is_some() {
        return Err(ApiError::field("path", format!("'{path}' must look like /attribute or /attribute/key")));
    }
    if kind != Kind::Remove {
        match &value {
            Value::Null => return Err(ApiError::field("value", format!("is missing for {path}"))),
            Value::Number(number) if number.is_f64() => {
                return Err(ApiError::field("value", format!("must not be a fraction for {path}")));
            }
            Value::Array(_) if key.is_some() => {
                return Err(ApiError::field("value", format!("must be a string, whole number or boolean for {path}")));
            }
            _ => {}
        }
    }
    Ok(Operation { kind, name: name.to_owned(), key: key.map(str::to_owned), value })
}

/// Applies a patch to all attributes of a resource, including null ones. After an error the document must not be used.
pub(crate) fn apply(document: &mut Map<String, Value>, operations: Vec<Operation>, rules: Rules) -> Result<()> {
    operations.into_iter().try_for_each(|operation| apply_one(document, operation, rules))
}

fn apply_one(document: &mut Map<String, Value>, operation: Operation, rules: Rules) -> Result<()> {
    let Operation { kind, name, key, value } = operation;
    let path = key.as_ref().map_or_else(|| name.clone(), |key| format!("{name}/{key}"));
    if INTERNAL.contains(&name.as_str()) || rules.internal.contains(&name.as_str()) {
        return Err(ApiError::field(path, "cannot be changed by clients"));
    }
    let Some(current) = document.get_mut(&name) else {
        return Err(ApiError::field(path, "there is no such attribute"));
    };
    let is_dictionary = rules.dictionaries.contains(&name.as_str());
    if let Some(key) = key {
        let dictionary = match current {
            Value::Object(dictionary) => dictionary,
            Value::Null if is_dictionary && kind == Kind::Add => {
                *current = Value::Object(Map::new());
                let Value::Object(dictionary) = current else { return Ok(()) };
                dictionary
            }
            _ => return Err(ApiError::field(path, "there is no such attribute")),
        };
        if kind != Kind::Add && !dictionary.contains_key(&key) {
            return Err(ApiError::field(path, "does not exist. Use add to create it"));
        }
        match kind {
            Kind::Add | Kind::Replace => dictionary.insert(key, value),
            Kind::Remove => dictionary.remove(&key),
        };
        return Ok(());
    }
    match kind {
        Kind::Remove if rules.mandatory.contains(&name.as_str()) => {
            Err(ApiError::field(path, "is mandatory and cannot be removed"))
        }
        Kind::Remove => {
            *current = Value::Null;
            Ok(())
        }
        Kind::Add if !current.is_null() => Err(ApiError::field(path, "has a value already. Use replace")),
        Kind::Add | Kind::Replace => {
            *current = match (value, is_dictionary) {
                (Value::String(text), true) => literal::collection(&text)
                    .map_err(|problem| ApiError::field(path, format!("must be like {{'a': 'b'}}: {problem}")))?,
                (Value::Object(_) | Value::Array(_), false) => {
                    return Err(ApiError::field(path, "must be a string, whole number or boolean"));
                }
                (value, _) => value,
            };
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RULES: Rules = Rules { internal: &["api_address"], mandatory: &["coe"], dictionaries: &["labels"] };

    fn patch(operations: Value) -> Result<Value> {
        let Value::Object(mut document) = json!({"name": "n", "coe": "k", "tags": null, "labels": {"a": "b"}}) else {
            panic!("no object")
        };
        let Value::Array(operations) = operations else { panic!("no array") };
        apply(&mut document, parse(operations)?, RULES)?;
        Ok(Value::Object(document))
    }

    #[test]
    fn the_dialect_does_what_the_contract_says() {
        let patched = patch(json!([
            {"op": "replace", "path": "/name", "value": "m"},
            {"op": "add", "path": "/tags", "value": "x"},
            {"op": "add", "path": "/labels/a", "value": "c"},
            {"op": "add", "path": "/labels/d", "value": 3},
        ]));
        assert_eq!(patched.unwrap(), json!({"name": "m", "coe": "k", "tags": "x", "labels": {"a": "c", "d": 3}}));
        let patched = patch(json!([
            {"op": "remove", "path": "/name", "value": "ignored"},
            {"op": "replace", "path": "/tags", "value": "y"},
            {"op": "replace", "path": "/labels", "value": "{'x': 'y'}"},
            {"op": "remove", "path": "/labels/x"},
        ]));
        assert_eq!(patched.unwrap(), json!({"name": null, "coe": "k", "tags": "y", "labels": {}}));
        assert!(patch(json!([])).is_ok());
    }

    #[test]
    fn the_dialect_refuses_what_the_contract_says() {
        for operation in [
            json!({"op": "test", "path": "/name", "value": "x"}),
            json!({"op": "replace", "path": "/name", "value": "x", "from": "/y"}),
            json!({"op": "replace", "path": "/name"}),
            json!({"op": "replace", "path": "/name", "value": null}),
            json!({"op": "replace", "path": "/name", "value": 1.5}),
            json!({"op": "replace", "path": "/name", "value": ["x"]}),
            json!({"op": "replace", "path": "/name", "value": {"x": 1}}),
            json!({"op": "replace", "path": "name", "value": "x"}),
            json!({"op": "replace", "path": "", "value": "x"}),
            json!({"op": "replace", "path": "/labels/a.b", "value": "x"}),
            json!({"op": "replace", "path": "/labels/a~1b", "value": "x"}),
            json!({"op": "replace", "path": "/labels/none", "value": "x"}),
            json!({"op": "remove", "path": "/labels/none"}),
            json!({"op": "add", "path": "/name", "value": "x"}),
            json!({"op": "add", "path": "/nope", "value": "x"}),
            json!({"op": "replace", "path": "/nope", "value": "x"}),
            json!({"op": "remove", "path": "/nope"}),
            json!({"op": "remove", "path": "/coe"}),
            json!({"op": "replace", "path": "/uuid", "value": "x"}),
            json!({"op": "replace", "path": "/api_address", "value": "x"}),
            json!({"op": "replace", "path": "/labels", "value": "a=b"}),
            json!({"op": "replace", "path": "/labels", "value": "'a'"}),
            json!({"op": "replace", "path": "/labels", "value": r"{'a': '\xg0'}"}),
            json!({"op": "replace", "path": "/name/x", "value": "x"}),
            json!("x"),
        ] {
            let error = patch(json!([operation])).unwrap_err();
            assert_eq!(error.status, 400, "{operation}");
        }
    }
}
