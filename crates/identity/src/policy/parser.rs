//! Parses the language of rules: that of oslo.policy, so that policy files of OpenStack operators keep working.
//!
//! ```text
//! rule  := (nothing: everybody) | any
//! any   := all ("or" all)*
//! all   := one ("and" one)*
//! one   := "not" one | "(" any ")" | "@" | "!" | check
//! check := "rule:" name | "role:" value | attribute ":" value | literal ":" value
//! value := text with %(attribute of the target)s in it, %% for a per cent sign
//! ```
//! Words are separated by spaces; parentheses need no spaces.

use thiserror::Error;

use super::expression::{Check, Expression, Left, Piece, Template};

/// Longest rule, in bytes. Real ones have some hundred at most.
pub const MAX_LENGTH: usize = 16 * 1024;

/// Most nested parentheses and `not`s: parsing and evaluating a rule take stack for each.
pub const MAX_NESTING: usize = 64;

/// Why a text is not a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message} (at character {position})")]
pub struct ParseError {
    /// Position in the text, in characters from 1.
    pub position: usize,
    /// What is wrong and how to fix it.
    pub message: String,
}

/// Parses a rule.
///
/// # Errors
/// When the text is not a rule; has the position.
pub fn parse(text: &str) -> Result<Expression, ParseError> {
    if text.len() > MAX_LENGTH {
        return Err(ParseError { position: 1, message: format!("a rule has at most {MAX_LENGTH} bytes") });
    }
    let words = words(text)?;
    if words.is_empty() {
        return Ok(Expression::Always);
    }
    let end = text.chars().count() + 1;
    let mut parser = Parser { words: &words, next: 0, nesting: 0, end };
    let expression = parser.any()?;
    match parser.words.get(parser.next) {
        None => Ok(expression),
        Some((Word::Close, at)) => Err(error(*at, "')' has no matching '('")),
        Some((_, at)) => Err(error(*at, "'and' or 'or' is missing before this")),
    }
}

/// Parses the old form of rules: a list, one of whose entries must hold; each is a check, or a list of checks that must
/// all hold. An empty list allows everyone.
///
/// # Errors
/// When one of the checks is invalid.
pub fn parse_lists(lists: &[Vec<String>]) -> Result<Expression, ParseError> {
    let mut entries = Vec::new();
    for list in lists.iter().filter(|list| !list.is_empty()) {
        let checks = list.iter().map(|check| parse_single(check)).collect::<Result<Vec<_>, _>>()?;
        entries.push(joined(checks, Expression::All, Expression::Always));
    }
    let of_none = if lists.is_empty() { Expression::Always } else { Expression::Never };
    Ok(joined(entries, Expression::Any, of_none))
}

fn parse_single(check: &str) -> Result<Expression, ParseError> {
    match words(check)?.as_slice() {
        [(Word::Operand(expression), _)] => Ok(expression.clone()),
        _ => Err(error(1, format!("'{check}' must be a single check in this form, such as role:member"))),
    }
}

fn joined(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression, of_none: Expression) -> Expression {
    match (parts.pop(), parts.is_empty()) {
        (None, _) => of_none,
        (Some(only), true) => only,
        (Some(last), false) => {
            parts.push(last);
            join(parts)
        }
    }
}

fn error(position: usize, message: impl Into<String>) -> ParseError {
    ParseError { position, message: message.into() }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Open,
    Close,
    And,
    Or,
    Not,
    Operand(Expression),
}

/// The words of a rule, each with its position.
fn words(text: &str) -> Result<Vec<(Word, usize)>, ParseError> {
    let mut found = Vec::new();
    let mut position = 1;
    for chunk in text.split(char::is_whitespace) {
        let length = chunk.chars().count();
        let inner = chunk.trim_start_matches('(');
        let opened = length - inner.chars().count();
        found.extend((0..opened).map(|index| (Word::Open, position + index)));
        let word = inner.trim_end_matches(')');
        let at = position + opened;
        if !word.is_empty() {
            found.push((read_word(word, at)?, at));
        }
        let closed_at = at + word.chars().count();
        found.extend((closed_at..position + length).map(|at| (Word::Close, at)));
        position += length + 1;
    }
    Ok(found)
}

fn read_word(word: &str, at: usize) -> Result<Word, ParseError> {
    Ok(match word.to_ascii_lowercase().as_str() {
        "and" => Word::And,
        "or" => Word::Or,
        "not" => Word::Not,
        "@" => Word::Operand(Expression::Always),
        "!" => Word::Operand(Expression::Never),
        _ => Word::Operand(Expression::Check(read_check(word, at)?)),
    })
}

fn read_check(word: &str, at: usize) -> Result<Check, ParseError> {
    let Some((left, right)) = word.split_once(':') else {
        return Err(error(at, format!("'{word}' is not a check such as role:member or rule:NAME")));
    };
    if right.is_empty() {
        return Err(error(at, format!("nothing follows '{left}:'")));
    }
    let value = |text| read_template(text, at);
    match left {
        "" => Err(error(at, format!("nothing precedes '{word}'"))),
        "rule" => Ok(Check::Rule(right.to_owned())),
        "role" => Ok(Check::Role(value(right)?)),
        "http" | "https" => {
            Err(error(at, format!("'{left}:' would ask another server, which is not supported; use a role")))
        }
        _ => Ok(Check::Same(read_left(left, at)?, value(right)?)),
    }
}

fn read_left(left: &str, at: usize) -> Result<Left, ParseError> {
    for quote in ['\'', '"'] {
        if let Some(rest) = left.strip_prefix(quote) {
            let inner = rest.strip_suffix(quote).filter(|inner| !inner.contains(quote));
            return inner.map(|inner| Left::Text(inner.to_owned())).ok_or_else(|| {
                error(at, format!("{left} is not closed; quoted texts contain no spaces and no colons"))
            });
        }
    }
    let is_number =
        left.parse::<f64>().is_ok() && left.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    if is_number || matches!(left, "True" | "False" | "None") {
        return Ok(Left::Word(left.to_owned()));
    }
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    if left.chars().all(is_name) {
        Ok(Left::Caller(left.to_owned()))
    } else {
        Err(error(at, format!("'{left}' is not an attribute of a caller; put texts into quotes")))
    }
}

fn read_template(text: &str, at: usize) -> Result<Template, ParseError> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            plain.push('%');
            rest = after;
            continue;
        }
        let named = after.strip_prefix('(').and_then(|after| after.split_once(")s"));
        let Some((name, after)) = named.filter(|(name, _)| !name.is_empty() && !name.contains(['(', ')', '%'])) else {
            return Err(error(
                at,
                format!("'%' in '{text}' must begin an attribute of the target such as %(project_id)s, or be doubled"),
            ));
        };
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(Piece::Target(name.to_owned()));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(Template(pieces))
}

struct Parser<'a> {
    words: &'a [(Word, usize)],
    next: usize,
    nesting: usize,
    /// Position after the last character.
    end: usize,
}

impl Parser<'_> {
    fn take(&mut self, wanted: &Word) -> bool {
        let is_there = self.words.get(self.next).is_some_and(|(word, _)| word == wanted);
        self.next += usize::from(is_there);
        is_there
    }

    fn any(&mut self) -> Result<Expression, ParseError> {
        let mut parts = vec![self.all()?];
        while self.take(&Word::Or) {
            parts.push(self.all()?);
        }
        Ok(joined(parts, Expression::Any, Expression::Never))
    }

    fn all(&mut self) -> Result<Expression, ParseError> {
        let mut parts = vec![self.one()?];
        while self.take(&Word::And) {
            parts.push(self.one()?);
        }
        Ok(joined(parts, Expression::All, Expression::Always))
    }

    fn one(&mut self) -> Result<Expression, ParseError> {
        let Some((word, at)) = self.words.get(self.next) else {
            return Err(error(self.end, "a check is missing at the end"));
        };
        let at = *at;
        self.next += 1;
        if self.nesting >= MAX_NESTING {
            return Err(error(
                at,
                format!("there are more than {MAX_NESTING} parentheses or 'not's inside each other"),
            ));
        }
        self.nesting += 1;
        let expression = match word {
            Word::Operand(expression) => expression.clone(),
            Word::Not => Expression::Not(Box::new(self.one()?)),
            Word::Open => {
                let inner = self.any()?;
                if !self.take(&Word::Close) {
                    return Err(error(at, "'(' is not closed"));
                }
                inner
            }
            Word::Close => return Err(error(at, "a check is missing before ')'")),
            Word::And => return Err(error(at, "a check is missing before 'and'")),
            Word::Or => return Err(error(at, "a check is missing before 'or'")),
        };
        self.nesting -= 1;
        Ok(expression)
    }
}
