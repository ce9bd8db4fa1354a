//! Reads the operator's `policy.yaml`: rules by name that replace the defaults.

use std::collections::BTreeMap;
use std::fmt;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use thiserror::Error;

use super::expression::Expression;
use super::parser::{parse, parse_lists};

/// Largest policy file. Magnum's own, with all comments, has some 30 KiB.
pub const MAX_FILE: u64 = 1024 * 1024;

/// Why a policy file cannot be used: all its errors.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct PolicyError {
    /// Path of the file, as it was given.
    pub file: String,
    /// Its errors, in order of lines. At least one.
    pub problems: Vec<Problem>,
}

/// An error or a warning in a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; `None` when it concerns the whole file.
    pub line: Option<usize>,
    /// The rule.
    pub rule: Option<String>,
    /// What is wrong and how to fix it.
    pub message: String,
}

impl Problem {
    /// With its place in the file: `policy.yaml:12: cluster:get: '(' is not closed`.
    #[must_use]
    pub fn in_file(&self, file: &str) -> String {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        let rule = self.rule.as_deref().map(|rule| format!("{rule}: ")).unwrap_or_default();
        format!("{file}{line}: {rule}{}", self.message)
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.problems.iter().map(|problem| problem.in_file(&self.file)).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// A rule of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) expression: Expression,
}

/// Reads the rules of a file. Uses the parser's events, because these have line numbers.
///
/// # Errors
/// All rules that cannot be read, or that the file is not YAML.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, Entry>, Vec<Problem>> {
    let mut reader = Reader { parser: Parser::new_from_str(text), problems: Vec::new() };
    let entries = reader.rules().unwrap_or_else(|problem| {
        reader.problems.push(problem);
        BTreeMap::new()
    });
    if reader.problems.is_empty() { Ok(entries) } else { Err(reader.problems) }
}

/// The value of a rule in the file.
enum Value {
    Text(String),
    /// The old form of rules, as lists.
    Lists(Vec<Vec<String>>),
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// The next relevant event, and its line.
    fn next(&mut self) -> Result<(Event<'a>, usize), Problem> {
        loop {
            match self.parser.next_event() {
                None => return Ok((Event::StreamEnd, 0)),
                Some(Ok((Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd, _))) => {}
                Some(Ok((event, span))) => return Ok((event, span.start.line())),
                Some(Err(error)) => {
                    let message = format!("this is not YAML: {}", error.info());
                    return Err(Problem { line: Some(error.marker().line()), rule: None, message });
                }
            }
        }
    }

    fn rules(&mut self) -> Result<BTreeMap<String, Entry>, Problem> {
        let mut entries = BTreeMap::new();
        match self.next()? {
            (Event::StreamEnd, _) => return Ok(entries),
            // A file that has only comments.
            (Event::Scalar(text, ScalarStyle::Plain, ..), _) if is_null(&text) => return Ok(entries),
            (Event::MappingStart(..), _) => {}
            (_, line) => {
                return Err(at(line, None, "the file must have lines such as \"cluster:get\": \"role:reader\""));
            }
        }
        loop {
            let (name, line) = match self.next()? {
                (Event::MappingEnd, _) => break,
                (Event::Scalar(name, ..), line) => (name.into_owned(), line),
                (_, line) => return Err(at(line, None, "the name of a rule must be a text")),
            };
            match self.value()?.and_then(expression) {
                Err(message) => self.problems.push(at(line, Some(&name), message)),
                Ok(_) if entries.contains_key(&name) => self.problems.push(at(line, Some(&name), "is defined twice")),
                Ok(expression) => {
                    entries.insert(name, Entry { line, expression });
                }
            }
        }
        match self.next()? {
            (Event::StreamEnd, _) => Ok(entries),
            (_, line) => Err(at(line, None, "only one YAML document is read")),
        }
    }

    /// Reads a value completely. The inner error concerns its form.
    fn value(&mut self) -> Result<Result<Value, String>, Problem> {
        match self.next()?.0 {
            // An empty value is more likely a mistake than meant to allow everyone.
            Event::Scalar(text, ScalarStyle::Plain, ..) if is_null(&text) => {
                Ok(Err("is empty; write \"@\" for everybody or \"!\" for nobody, with the quotes".to_owned()))
            }
            Event::Scalar(text, ..) => Ok(Ok(Value::Text(text.into_owned()))),
            Event::SequenceStart(..) => self.lists(),
            event => {
                self.skip(&event)?;
                Ok(Err(FORM.to_owned()))
            }
        }
    }

    fn lists(&mut self) -> Result<Result<Value, String>, Problem> {
        let mut lists = Vec::new();
        let mut is_good = true;
        loop {
            match self.next()?.0 {
                Event::SequenceEnd => break,
                Event::Scalar(check, ..) => lists.push(vec![check.into_owned()]),
                Event::SequenceStart(..) => {
                    let mut checks = Vec::new();
                    loop {
                        match self.next()?.0 {
                            Event::SequenceEnd => break,
                            Event::Scalar(check, ..) => checks.push(check.into_owned()),
                            event => {
                                self.skip(&event)?;
                                is_good = false;
                            }
                        }
                    }
                    lists.push(checks);
                }
                event => {
                    self.skip(&event)?;
                    is_good = false;
                }
            }
        }
        Ok(if is_good { Ok(Value::Lists(lists)) } else { Err(FORM.to_owned()) })
    }

    /// Skips to the end of the node that starts with an event.
    fn skip(&mut self, first: &Event<'_>) -> Result<(), Problem> {
        let mut open = depth(first);
        while open > 0 {
            let (event, line) = self.next()?;
            if event == Event::StreamEnd {
                return Err(at(line, None, "the file ends too early"));
            }
            open += depth(&event);
        }
        Ok(())
    }
}

/// The required form of a rule, for messages.
const FORM: &str = "must be a text such as \"role:admin\", or lists of such texts";

/// Change of the nesting depth by an event.
fn depth(event: &Event<'_>) -> i32 {
    match event {
        Event::SequenceStart(..) | Event::MappingStart(..) => 1,
        Event::SequenceEnd | Event::MappingEnd => -1,
        _ => 0,
    }
}

fn is_null(plain: &str) -> bool {
    matches!(plain, "" | "~" | "null" | "Null" | "NULL")
}

fn at(line: usize, rule: Option<&str>, message: impl Into<String>) -> Problem {
    Problem { line: Some(line), rule: rule.map(str::to_owned), message: message.into() }
}

fn expression(value: Value) -> Result<Expression, String> {
    match value {
        Value::Text(text) => parse(&text),
        Value::Lists(lists) => parse_lists(&lists),
    }
    .map_err(|error| error.to_string())
}
