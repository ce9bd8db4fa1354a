//! Reading JSON strictly: duplicate keys in an object are refused, and so is the character U+0000.
//!
//! RFC 8259 does not define what duplicate keys mean, and parsers differ: some take the first value, some the last. A
//! request that two parsers on its way may read differently is refused. No known client sends one.
//!
//! U+0000 ends a string in C programs, such as those on nodes, and PostgreSQL cannot store it.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads a document. Nesting deeper than 127 levels is refused by `serde_json` itself.
pub(crate) fn parse(text: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice::<Strict>(text).map(|strict| strict.0)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        without_nul(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        without_nul(&value)?;
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
            without_nul(&key)?;
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key \"{key}\" is duplicated in one object")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

fn without_nul<E: de::Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') { Err(E::custom("a string has the character U+0000")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_refused_at_any_depth() {
        for text in [r#"{"a": 1, "a": 1}"#, r#"[{"b": {"a": 1, "c": 2, "a": 3}}]"#, r#"{"a": 1, "\u0061": 2}"#] {
            let error = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("\"a\" is duplicated"), "{text}: {error}");
        }
        assert!(parse(br#"[{"a": 1}, {"a": 1}]"#).is_ok());
    }

    #[test]
    fn what_is_no_json_or_nested_too_deeply_is_refused() {
        let deep = "[".repeat(100_000);
        for text in [&b""[..], b"{", b"\xff", b"\"\xc3\x28\"", b"{} {}", b"NaN", b"1e999", deep.as_bytes()] {
            assert!(parse(text).is_err());
        }
    }

    #[test]
    fn the_character_that_ends_texts_elsewhere_is_refused() {
        for text in [r#""a\u0000""#, r#"{"a": ["\u0000"]}"#, r#"{"\u0000": 1}"#] {
            assert!(parse(text.as_bytes()).unwrap_err().to_string().contains("U+0000"), "{text}");
        }
        assert!(parse(br#""a\u0001\n""#).is_ok());
    }

    proptest! {
        #[test]
        fn all_else_is_read_as_usual(text in r#"[\[\]{}",:0-9a-z.eE+\\ -]{0,40}"#) {
            match (parse(text.as_bytes()), serde_json::from_str::<Value>(&text)) {
                (Ok(strict), usual) => prop_assert_eq!(Some(strict), usual.ok()),
                (Err(error), Ok(_)) => prop_assert!(error.to_string().contains("is duplicated")),
                (Err(_), Err(_)) => {}
            }
        }
    }
}
