//! Dictionaries and lists written as text, as Python or JSON would. Clients send them in patches (contract magnum-v1
//! section 2.12).

use serde_json::{Map, Value};

/// Deepest nesting that is read.
const MAX_DEPTH: u32 = 16;

/// Reads a literal: `{'a': 'b'}`, `{"a": true}`, `[1, None]`. `None` when it is none.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.blanks();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Skips blanks and then `token`; whether it was there.
    fn eat(&mut self, token: char) -> bool {
        self.blanks();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: u32) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.blanks();
        match self.rest.chars().next()? {
            '{' => self.object(depth),
            '[' => self.array(depth),
            '\'' | '"' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: u32) -> Option<Value> {
        let mut map = Map::new();
        self.eat('{');
        while !self.eat('}') {
            self.blanks();
            let key = match self.value(depth + 1)? {
                Value::String(key) => key,
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            if !self.eat(':') {
                return None;
            }
            map.insert(key, self.value(depth + 1)?);
            if !self.eat(',') {
                return self.eat('}').then_some(Value::Object(map));
            }
        }
        Some(Value::Object(map))
    }

    fn array(&mut self, depth: u32) -> Option<Value> {
        let mut items = Vec::new();
        self.eat('[');
        while !self.eat(']') {
            items.push(self.value(depth + 1)?);
            if !self.eat(',') {
                return self.eat(']').then_some(Value::Array(items));
            }
        }
        Some(Value::Array(items))
    }

    fn string(&mut self) -> Option<String> {
        let mut letters = self.rest.char_indices();
        let (_, quote) = letters.next()?;
        let mut text = String::new();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => text.push(match letters.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'u' => {
                        let digits: String = letters.by_ref().take(4).map(|(_, digit)| digit).collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                    }
                    other => other,
                }),
                letter if letter == quote => {
                    self.rest = &self.rest[at + letter.len_utf8()..];
                    return Some(text);
                }
                letter => text.push(letter),
            }
        }
        None
    }

    /// A number or one of the words for true, false and nothing.
    fn word(&mut self) -> Option<Value> {
        let end = self.rest.find([',', ':', '}', ']', ' ', '\n', '\t']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "True" | "true" => Some(Value::Bool(true)),
            "False" | "false" => Some(Value::Bool(false)),
            "None" | "null" => Some(Value::Null),
            number => number.parse().ok().map(Value::Number),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn python_and_json_are_both_read() {
        for (text, expected) in [
            ("{'a': 'b'}", json!({"a": "b"})),
            (r#"{"a": "b", "c": true}"#, json!({"a": "b", "c": true})),
            ("{'a':'b','c':'d',}", json!({"a": "b", "c": "d"})),
            ("[]", json!([])),
            ("[{'key': 'k', 'value': \"it's\"}]", json!([{"key": "k", "value": "it's"}])),
            (r"{'a': 'x\'y\n', 1: None}", json!({"a": "x'y\n", "1": null})),
            ("{}", json!({})),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        for text in ["", "{", "{'a'}", "{'a': 'b'} x", "a=b", "{'a': b}", "{['a']: 1}", &"[".repeat(100)] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
