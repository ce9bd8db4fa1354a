//! Reading the attributes of a body as leniently as Magnum does: numbers and booleans may be strings, null means not
//! given, and unknown attributes are refused with their names (contract magnum-v1 section 2.0).

use std::collections::BTreeMap;

use jeroboam_model::Labels;
use jeroboam_model::validate::{self, MAX_TEXT, MAX_VOLUME_SIZE};
use serde_json::{Map, Value};

use super::{ApiError, Result};

/// From here on floating-point numbers lose digits: 2 to the power of 53. JSON integers beyond 64 bits are read as
/// such.
const INEXACT: f64 = 9_007_199_254_740_992.0;

/// The attributes of a body that have not been read yet.
#[derive(Debug)]
pub(crate) struct Fields {
    values: Map<String, Value>,
    /// The resource that has the attributes, for messages.
    what: &'static str,
}

impl Fields {
    /// Takes a body.
    pub(crate) fn new(values: Map<String, Value>, what: &'static str) -> Self {
        Self { values, what }
    }

    /// Refuses attributes that clients may not set, whatever their value.
    pub(crate) fn refuse(&self, read_only: &[&str]) -> Result<()> {
        match read_only.iter().find(|name| self.values.contains_key(**name)) {
            Some(name) => Err(ApiError::field(*name, "cannot be set by clients")),
            None => Ok(()),
        }
    }

    /// Drops attributes that are accepted and have no effect.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.values.remove(*name);
        }
    }

    /// Whether an attribute is present, even as null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.values.remove(name).filter(|value| !value.is_null())
    }

    /// A string of `min` to `max` characters.
    pub(crate) fn text_of(&mut self, name: &str, min: usize, max: usize) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => {
                let length = text.chars().count();
                if (min..=max).contains(&length) {
                    Ok(Some(text))
                } else {
                    Err(ApiError::field(name, format!("must have {min} to {max} characters, this has {length}")))
                }
            }
            Some(other) => Err(ApiError::field(name, format!("must be a string, this is {}", kind(&other)))),
        }
    }

    /// A string of 1 to 255 characters in one line, as names are.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>> {
        let text = self.text_of(name, 1, MAX_TEXT)?;
        if let Some(text) = &text {
            validate::one_line(name, text)?;
        }
        Ok(text)
    }

    /// A required string of 1 to 255 characters.
    pub(crate) fn required_text(&mut self, name: &str) -> Result<String> {
        self.text(name)?.ok_or_else(|| ApiError::field(name, "is required"))
    }

    /// A whole number, also as a string.
    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i64>> {
        let bad = |what: String| Err(ApiError::field(name, format!("must be a whole number, this is {what}")));
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(i64::from(value))),
            Some(Value::String(text)) => match text.trim().parse() {
                Ok(value) => Ok(Some(value)),
                Err(_) => bad(format!("'{text}'")),
            },
            Some(Value::Number(number)) => match number.as_i64() {
                Some(value) => Ok(Some(value)),
                None => bad(number.to_string()),
            },
            Some(other) => bad(kind(&other).to_owned()),
        }
    }

    /// A whole number of at least `min`.
    pub(crate) fn at_least(&mut self, name: &str, min: u32) -> Result<Option<u32>> {
        self.between(name, min, i32::MAX as u32)
    }

    /// The size of a volume in GiB.
    pub(crate) fn volume_size(&mut self, name: &str) -> Result<Option<u32>> {
        self.between(name, 1, MAX_VOLUME_SIZE)
    }

    fn between(&mut self, name: &str, min: u32, max: u32) -> Result<Option<u32>> {
        let Some(value) = self.integer(name)? else { return Ok(None) };
        Ok(Some(validate::count(name, value, min, max)?))
    }

    /// A boolean, also as a string or number.
    pub(crate) fn boolean(&mut self, name: &str) -> Result<Option<bool>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        read_boolean(&value)
            .map(Some)
            .ok_or_else(|| ApiError::field(name, format!("must be true or false, this is {value}")))
    }

    /// A dictionary whose values are converted to strings.
    pub(crate) fn labels(&mut self, name: &str) -> Result<Option<Labels>> {
        let values = match self.take(name) {
            None => return Ok(None),
            Some(Value::Object(values)) => values,
            Some(other) => {
                return Err(ApiError::field(name, format!("must be an object of strings, this is {}", kind(&other))));
            }
        };
        let mut labels = BTreeMap::new();
        for (key, value) in values {
            // Forms send null for empty inputs (contract magnum-v1 section 10.6).
            if value.is_null() {
                continue;
            }
            let text = as_text(value).map_err(|other| {
                let problem = match other {
                    Value::Number(_) => "has more digits than a number can hold: send it as a string".to_owned(),
                    other => format!("must be a string or number, this is {}", kind(&other)),
                };
                ApiError::field(format!("{name}.{key}"), problem)
            })?;
            labels.insert(key, text);
        }
        Ok(Some(labels))
    }

    /// A dictionary whose values must be strings.
    pub(crate) fn strict_texts(&mut self, name: &str) -> Result<Option<BTreeMap<String, String>>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(values)) => values
                .into_iter()
                .map(|(key, value)| match value {
                    Value::String(text) => Ok((key, text)),
                    other => Err(ApiError::field(
                        format!("{name}.{key}"),
                        format!("must be a string, this is {}", kind(&other)),
                    )),
                })
                .collect::<Result<_>>()
                .map(Some),
            Some(other) => {
                Err(ApiError::field(name, format!("must be an object of strings, this is {}", kind(&other))))
            }
        }
    }

    /// An array of objects.
    pub(crate) fn objects(&mut self, name: &str) -> Result<Option<Vec<Map<String, Value>>>> {
        let bad =
            |value: &Value| ApiError::field(name, format!("must be an array of objects, this is {}", kind(value)));
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(items)) => items
                .into_iter()
                .map(|item| match item {
                    Value::Object(map) => Ok(map),
                    other => Err(bad(&other)),
                })
                .collect::<Result<_>>()
                .map(Some),
            Some(other) => Err(bad(&other)),
        }
    }

    /// An array of strings.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>> {
        let bad = || ApiError::field(name, "must be an array of strings");
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text),
                    _ => Err(bad()),
                })
                .collect(),
            Some(_) => Err(bad()),
        }
    }

    /// Refuses attributes that have not been read.
    pub(crate) fn finish(self) -> Result<()> {
        match self.values.keys().next() {
            Some(name) => Err(ApiError::field(name, format!("is not an attribute of a {}", self.what))),
            None => Ok(()),
        }
    }
}

/// A boolean in any of the spellings that Magnum accepts.
pub(crate) fn read_boolean(value: &Value) -> Option<bool> {
    let text = match value {
        Value::Bool(value) => return Some(*value),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_ascii_lowercase(),
        _ => return None,
    };
    match text.as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Some(true),
        "0" | "f" | "false" | "off" | "n" | "no" => Some(false),
        _ => None,
    }
}

/// Converts a value to the type of an attribute's current value: clients also write whole numbers and booleans as
/// strings, and the values of dictionaries become strings (contract magnum-v1 section 2.12). What cannot be converted
/// stays as it is.
pub(crate) fn in_type_of(held: &Value, value: Value) -> Value {
    match (held, value) {
        (Value::Number(_), Value::String(text)) => match text.trim().parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => Value::String(text),
        },
        (Value::Bool(_), value) => read_boolean(&value).map_or(value, Value::Bool),
        (Value::Object(_), Value::Object(entries)) => {
            let texts = entries.into_iter().filter(|(_, value)| !value.is_null());
            texts.map(|(key, value)| (key, as_text(value).map_or_else(|other| other, Value::String))).collect()
        }
        (_, value) => value,
    }
}

/// The string for a value of a dictionary, or the value itself when it has none.
fn as_text(value: Value) -> std::result::Result<String, Value> {
    match value {
        Value::String(text) => Ok(text),
        // As Python writes them: clients have got these back since 2015.
        Value::Bool(true) => Ok("True".to_owned()),
        Value::Bool(false) => Ok("False".to_owned()),
        Value::Number(number) if number.is_f64() && number.as_f64().is_none_or(|value| value.abs() >= INEXACT) => {
            Err(Value::Number(number))
        }
        Value::Number(number) => Ok(number.to_string()),
        other => Err(other),
    }
}

/// The type of a value, for messages.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        let Value::Object(map) = value else { panic!("no object") };
        Fields::new(map, "cluster")
    }

    #[test]
    fn numbers_and_booleans_may_be_text() {
        let mut given = fields(json!({"a": "3", "b": true, "c": 7, "d": "Yes", "e": 0, "f": null}));
        assert_eq!(given.integer("a").unwrap(), Some(3));
        assert_eq!(given.integer("b").unwrap(), Some(1));
        assert_eq!(given.at_least("c", 1).unwrap(), Some(7));
        assert_eq!(given.boolean("d").unwrap(), Some(true));
        assert_eq!(given.boolean("e").unwrap(), Some(false));
        assert_eq!(given.integer("f").unwrap(), None);
        assert!(given.finish().is_ok());
    }

    #[test]
    fn what_cannot_be_read_names_its_field() {
        for value in [json!(""), json!("x"), json!(1.5), json!([]), json!({})] {
            assert_eq!(fields(json!({"a": value})).integer("a").unwrap_err().field.as_deref(), Some("a"));
        }
        for value in [json!(""), json!(2), json!("maybe"), json!([])] {
            assert!(fields(json!({"a": value})).boolean("a").is_err(), "{value}");
        }
        for value in [json!(1), json!(true), json!(""), json!("x".repeat(256))] {
            assert!(fields(json!({"a": value})).text("a").is_err(), "{value}");
        }
        for value in [json!(-1), json!(0), json!(i64::MAX), json!(u64::MAX)] {
            assert!(fields(json!({"a": value})).at_least("a", 1).is_err(), "{value}");
        }
        assert_eq!(fields(json!({"x": null})).finish().unwrap_err().field.as_deref(), Some("x"));
        assert_eq!(fields(json!({"links": null})).refuse(&["links"]).unwrap_err().field.as_deref(), Some("links"));
    }

    #[test]
    fn label_values_become_texts() {
        let labels = fields(json!({"labels": {"a": true, "b": 3, "c": 1.5, "d": "x", "e": null}}))
            .labels("labels")
            .unwrap()
            .unwrap();
        let pairs: Vec<(&str, &str)> = labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("a", "True"), ("b", "3"), ("c", "1.5"), ("d", "x")]);
        for bad in [json!("x"), json!([]), json!({"a": {}})] {
            assert!(fields(json!({"labels": bad})).labels("labels").is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_keep_their_digits_or_are_refused() {
        for (digits, kept) in [
            ("18446744073709551615", true),
            ("-9223372036854775808", true),
            ("0.25", true),
            ("18446744073709551616", false),
            ("12345678901234567890123", false),
            ("-12345678901234567890123", false),
            ("1e300", false),
        ] {
            let value: Value = serde_json::from_str(digits).unwrap();
            let labels = fields(json!({"labels": {"a": value}})).labels("labels");
            match labels {
                Ok(labels) => assert!(kept && labels.unwrap()["a"] == digits, "{digits}"),
                Err(error) => assert!(!kept && error.field.as_deref() == Some("labels.a"), "{digits}"),
            }
        }
    }

    #[test]
    fn an_array_of_texts_holds_nothing_else() {
        assert_eq!(fields(json!({"a": ["x", ""]})).texts("a").unwrap(), ["x", ""]);
        assert!(fields(json!({"a": null})).texts("a").unwrap().is_empty());
        for bad in [json!("x"), json!({}), json!([1]), json!([true]), json!([null]), json!([["x"]])] {
            assert_eq!(fields(json!({"a": bad})).texts("a").unwrap_err().field.as_deref(), Some("a"), "{bad}");
        }
    }

    #[test]
    fn a_value_takes_the_type_of_what_is_held() {
        for (held, value, expected) in [
            (json!(1), json!("1"), json!(1)),
            (json!(1), json!(" 60 "), json!(60)),
            (json!(1), json!("many"), json!("many")),
            (json!(true), json!("False"), json!(false)),
            (json!(true), json!("yes"), json!(true)),
            (json!(true), json!("perhaps"), json!("perhaps")),
            (json!({}), json!({"a": 1, "b": true, "c": null, "d": []}), json!({"a": "1", "b": "True", "d": []})),
            (json!("1"), json!(1), json!(1)),
            (json!(null), json!("1"), json!("1")),
        ] {
            assert_eq!(in_type_of(&held, value), expected, "{held}");
        }
    }
}
