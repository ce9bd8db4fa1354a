//! Dictionaries and lists written as strings, in the syntax of Python or JSON. Clients send them in patches (contract
//! magnum-v1 section 2.12).

use serde_json::{Map, Value};

/// Deepest nesting that is read.
const MAX_DEPTH: u32 = 16;

const NO_END: &str = "a string in it is not terminated";

/// What was read, or a message that says what is wrong with it.
type Read<T> = Result<T, String>;

/// Reads a dictionary or list: `{'a': 'b'}`, `{"a": true}`, `[1, None]`.
///
/// # Errors
/// Says what is wrong with the text.
pub(crate) fn collection(text: &str) -> Read<Value> {
    parse(text).and_then(|value| match value {
        Value::Object(_) | Value::Array(_) => Ok(value),
        _ => Err("this is neither a dictionary nor a list".to_owned()),
    })
}

/// Reads a literal of any type.
///
/// # Errors
/// Says what is wrong with the text.
pub(crate) fn parse(text: &str) -> Read<Value> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.blanks();
    if reader.rest.is_empty() { Ok(value) } else { Err("something follows after its end".to_owned()) }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Skips whitespace and then `token`; returns whether `token` was there.
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

    fn next(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next();
        self.rest = letters.as_str();
        letter
    }

    fn value(&mut self, depth: u32) -> Read<Value> {
        if depth > MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH} levels"));
        }
        self.blanks();
        let mut letters = self.rest.chars();
        match (letters.next(), letters.next()) {
            (Some('{'), _) => self.object(depth),
            (Some('['), _) => self.array(depth),
            (Some('\'' | '"'), _) => self.string().map(Value::String),
            // Unicode strings of Python 2.
            (Some('u' | 'U'), Some('\'' | '"')) => {
                self.next();
                self.string().map(Value::String)
            }
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: u32) -> Read<Value> {
        let mut map = Map::new();
        self.eat('{');
        while !self.eat('}') {
            let key = match self.value(depth + 1)? {
                Value::String(key) => key,
                Value::Number(number) => number.to_string(),
                _ => return Err("its keys must be strings".to_owned()),
            };
            if !self.eat(':') {
                return Err("a key in it is not followed by a colon".to_owned());
            }
            map.insert(key, self.value(depth + 1)?);
            if !self.eat(',') {
                return self.end('}').map(|()| Value::Object(map));
            }
        }
        Ok(Value::Object(map))
    }

    fn array(&mut self, depth: u32) -> Read<Value> {
        let mut items = Vec::new();
        self.eat('[');
        while !self.eat(']') {
            items.push(self.value(depth + 1)?);
            if !self.eat(',') {
                return self.end(']').map(|()| Value::Array(items));
            }
        }
        Ok(Value::Array(items))
    }

    fn end(&mut self, token: char) -> Read<()> {
        if self.eat(token) { Ok(()) } else { Err(format!("a comma or {token} is missing in it")) }
    }

    fn string(&mut self) -> Read<String> {
        let quote = self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(NO_END.to_owned()),
                Some('\\') => self.escape(quote, &mut text)?,
                letter if letter == quote => return Ok(text),
                Some(letter) => text.push(letter),
            }
        }
    }

    /// Reads an escape sequence of a Python or JSON string; the two differ little.
    fn escape(&mut self, quote: Option<char>, text: &mut String) -> Read<()> {
        let letter = self.next().ok_or(NO_END)?;
        let meant = match letter {
            // The string continues on the next line.
            '\n' => return Ok(()),
            '\\' | '\'' | '"' => letter,
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '0'..='7' => self.octal(letter)?,
            'x' => self.code_point(letter, 2)?,
            'u' => self.code_point(letter, 4)?,
            'U' => self.code_point(letter, 8)?,
            'N' => return Err("\\N is not supported: write the character itself".to_owned()),
            // JSON only; Python would keep the backslash, but writers of JSON do not mean that.
            '/' if quote == Some('"') => letter,
            // As Python does with unknown escape sequences.
            other => {
                text.push('\\');
                other
            }
        };
        // As in JSON: databases cannot store it.
        if meant == '\0' {
            return Err("a string in it has the character U+0000".to_owned());
        }
        text.push(meant);
        Ok(())
    }

    /// Up to three octal digits, the first of which has been read.
    fn octal(&mut self, first: char) -> Read<char> {
        let mut digits = String::from(first);
        while digits.len() < 3
            && let Some(digit) = self.rest.chars().next().filter(|letter| ('0'..='7').contains(letter))
        {
            digits.push(digit);
            self.next();
        }
        let code = u32::from_str_radix(&digits, 8).ok();
        code.and_then(char::from_u32).ok_or_else(|| format!("\\{digits} is not a character"))
    }

    /// A character by its code point, or by the surrogate pair in which JSON writes those above U+FFFF.
    fn code_point(&mut self, sort: char, digits: usize) -> Read<char> {
        let first = self.hexadecimal(sort, digits)?;
        let code = match first {
            0xD800..=0xDBFF if self.rest.starts_with("\\u") => {
                self.rest = &self.rest[2..];
                match self.hexadecimal('u', 4)? {
                    second @ 0xDC00..=0xDFFF => 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00),
                    _ => first,
                }
            }
            other => other,
        };
        char::from_u32(code).ok_or_else(|| format!("\\{sort} with {first:0digits$x} is not a character"))
    }

    fn hexadecimal(&mut self, sort: char, digits: usize) -> Read<u32> {
        let wrong = || format!("\\{sort} must be followed by {digits} hexadecimal digits");
        let (number, rest) = self.rest.split_at_checked(digits).ok_or_else(wrong)?;
        // `from_str_radix` alone would accept a sign.
        if !number.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        self.rest = rest;
        u32::from_str_radix(number, 16).map_err(|_| wrong())
    }

    /// A number or one of the words for true, false and null.
    fn word(&mut self) -> Read<Value> {
        let ends = |letter: char| letter.is_whitespace() || matches!(letter, ',' | ':' | '}' | ']');
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "True" | "true" => Ok(Value::Bool(true)),
            "False" | "false" => Ok(Value::Bool(false)),
            "None" | "null" => Ok(Value::Null),
            "" => Err("a value is missing in it".to_owned()),
            number => match number.parse().map(Value::Number) {
                // Too long for our numbers, but not for Python's: the digits are kept as a string.
                Ok(read) if read.is_f64() && is_whole(number) => Ok(Value::String(number.to_owned())),
                Ok(read) => Ok(read),
                Err(_) => Err("strings in it must be quoted".to_owned()),
            },
        }
    }
}

fn is_whole(number: &str) -> bool {
    number.strip_prefix('-').unwrap_or(number).bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
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
            (" {\r\n'a'\t: 1 ,\r\n} ", json!({"a": 1})),
            // Python 2.
            ("{u'a': u'b', U\"c\": [u'd']}", json!({"a": "b", "c": ["d"]})),
            ("{'a': 12345678901234567890123, 'b': -1.5}", json!({"a": "12345678901234567890123", "b": -1.5})),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        let deep = "[".repeat(100);
        for text in [
            "",
            "{",
            "{'a'}",
            "{'a': 'b'} x",
            "a=b",
            "{'a': b}",
            "{['a']: 1}",
            "{'a': b'c'}",
            "{'a': 1 'b': 2}",
            "{,}",
            "u",
            "u{}",
            "'a",
            "{'a': 1,,}",
            "{'a': 01}",
            "{'a': 1e999}",
            &deep,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(collection("{}").is_ok() && collection("[]").is_ok());
        for scalar in ["'a'", "1", "None"] {
            assert!(parse(scalar).is_ok() && collection(scalar).is_err(), "{scalar}");
        }
    }

    #[test]
    fn escapes_mean_what_they_mean_in_python_and_json() {
        for (text, expected) in [
            (r"'\x41\xa0\xff'", "A\u{a0}\u{ff}"),
            (r"'\u00e9\U0001f600\U0001F600'", "é😀😀"),
            (r"'\ud83d\ude00'", "😀"),
            (r#""\ud83d\ude00\u0041""#, "😀A"),
            (r"'\1\12\101\1011\777\8'", "\u{1}\nAA1\u{1ff}\\8"),
            (r"'\a\b\f\n\r\t\v'", "\u{7}\u{8}\u{c}\n\r\t\u{b}"),
            (r#"'\\ \' \"'"#, "\\ ' \""),
            ("'a\\\nb'", "ab"),
            // Unknown escape sequences.
            (r"'\d\.\ \é\/'", r"\d\.\ \é\/"),
            (r#""a\/b""#, "a/b"),
        ] {
            assert_eq!(parse(text), Ok(json!(expected)), "{text}");
        }
        for (text, problem) in [
            (r"'\x4'", "\\x must be followed by 2 hexadecimal digits"),
            (r"'\xg0'", "\\x must be followed by 2 hexadecimal digits"),
            (r"'\x+1'", "\\x must be followed by 2 hexadecimal digits"),
            (r"'\xé'", "\\x must be followed by 2 hexadecimal digits"),
            (r"'\u12'", "\\u must be followed by 4 hexadecimal digits"),
            (r"'\U0001f60'", "\\U must be followed by 8 hexadecimal digits"),
            (r"'\U00110000'", "\\U with 00110000 is not a character"),
            (r"'\ud83d'", "\\u with d83d is not a character"),
            (r"'\ud83dx'", "\\u with d83d is not a character"),
            (r"'\ude00'", "\\u with de00 is not a character"),
            (r"'\ud83d\u0041'", "\\u with d83d is not a character"),
            (r"'\ud83d\u'", "\\u must be followed by 4 hexadecimal digits"),
            (r"'\N{DASH}'", "\\N is not supported: write the character itself"),
            (r"'\x00'", "a string in it has the character U+0000"),
            (r"'\0'", "a string in it has the character U+0000"),
            (r"'\", NO_END),
            (r"'a", NO_END),
            (r"'a\'", NO_END),
        ] {
            assert_eq!(parse(text), Err(problem.to_owned()), "{text}");
        }
    }

    /// A string as written by `repr` of Python 3 (`ascii` for all that is not ASCII) and of Python 2.
    fn repr(text: &str, prefix: &str) -> String {
        let mut written = format!("{prefix}'");
        for letter in text.chars() {
            match (letter, u32::from(letter)) {
                ('\'' | '\\', _) => write!(written, "\\{letter}"),
                ('\n', _) => write!(written, "\\n"),
                (_, 0x20..=0x7e) => write!(written, "{letter}"),
                (_, code @ ..=0xff) => write!(written, "\\x{code:02x}"),
                (_, code @ ..=0xffff) => write!(written, "\\u{code:04x}"),
                (_, code) => write!(written, "\\U{code:08x}"),
            }
            .unwrap();
        }
        written + "'"
    }

    /// A string as written by `json.dumps`.
    fn dumps(text: &str) -> String {
        let mut written = String::from("\"");
        for unit in text.encode_utf16() {
            match u8::try_from(unit).map(char::from) {
                Ok(letter @ ('"' | '\\')) => write!(written, "\\{letter}"),
                Ok(letter @ ' '..='~') => write!(written, "{letter}"),
                _ => write!(written, "\\u{unit:04x}"),
            }
            .unwrap();
        }
        written + "\""
    }

    proptest! {
        #[test]
        fn what_python_writes_is_read_back(key in "[^\0]*", value in "[^\0]*") {
            let expected = json!({ &key: &value });
            for prefix in ["", "u"] {
                let text = format!("{{{}: {}}}", repr(&key, prefix), repr(&value, prefix));
                prop_assert_eq!(collection(&text), Ok(expected.clone()), "{}", text);
            }
            for text in [format!("{{{}: {}}}", dumps(&key), dumps(&value)), expected.to_string()] {
                prop_assert_eq!(collection(&text), Ok(expected.clone()), "{}", text);
            }
        }

        #[test]
        fn no_text_is_too_odd(text in any::<String>(), like in r#"([\[{}\],:'"\\ uUxN0-9a-fdD]|\\[uUx0-7]|é|😀){0,40}"#) {
            for text in [&text, &like, &format!("'{like}'"), &format!("{{'{like}': \"{like}\"}}")] {
                let _ = parse(text);
            }
        }
    }
}
