//! The expression of a rule, as a tree. The printed text of a tree parses to the same tree.

use std::fmt;

/// The expression of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// `@`, or an empty rule: allows everyone.
    Always,
    /// `!`: allows no one.
    Never,
    /// `not x`.
    Not(Box<Expression>),
    /// `x and y ...`: two or more.
    All(Vec<Expression>),
    /// `x or y ...`: two or more.
    Any(Vec<Expression>),
    /// `left:right`.
    Check(Check),
}

/// A single check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// `rule:NAME`: the result of another rule.
    Rule(String),
    /// `role:NAME`: whether the caller has a role; case-insensitive.
    Role(Template),
    /// `LEFT:VALUE`: whether the two are the same text.
    Same(Left, Template),
}

/// Left side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// An attribute of the caller, for example `project_id`.
    Caller(String),
    /// A quoted text.
    Text(String),
    /// `True`, `False`, `None` or a number, compared as written.
    Word(String),
}

/// Text with attributes of the target in it: `%(project_id)s`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(pub Vec<Piece>);

/// A part of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Literal text. Never empty, and never followed by another text.
    Text(String),
    /// An attribute of the target.
    Target(String),
}

impl Template {
    /// The text with the target's attributes from `value_of` filled in; `None` when one of them is not known.
    pub(super) fn fill<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                Piece::Target(name) => value_of(name),
            })
            .collect()
    }

    /// The attributes of the target that it names.
    pub(super) fn targets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Target(name) => Some(name.as_str()),
        })
    }
}

impl Expression {
    /// The checks in it, from left to right.
    pub(super) fn checks(&self) -> Vec<&Check> {
        match self {
            Self::Always | Self::Never => Vec::new(),
            Self::Not(inner) => inner.checks(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::checks).collect(),
            Self::Check(check) => vec![check],
        }
    }

    /// How many levels it has.
    pub(super) fn depth(&self) -> usize {
        1 + match self {
            Self::Always | Self::Never | Self::Check(_) => 0,
            Self::Not(inner) => inner.depth(),
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::depth).max().unwrap_or_default(),
        }
    }

    /// Precedence: an expression inside one of higher precedence needs parentheses.
    fn strength(&self) -> u8 {
        match self {
            Self::Any(_) => 0,
            Self::All(_) => 1,
            Self::Not(_) | Self::Always | Self::Never | Self::Check(_) => 2,
        }
    }

    fn write_inside(&self, least: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.strength() < least { write!(f, "({self})") } else { write!(f, "{self}") }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, word) = match self {
            Self::Always => return f.write_str("@"),
            Self::Never => return f.write_str("!"),
            Self::Check(check) => return check.fmt(f),
            Self::Not(inner) => {
                f.write_str("not ")?;
                return inner.write_inside(2, f);
            }
            Self::All(parts) => (parts, " and "),
            Self::Any(parts) => (parts, " or "),
        };
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                f.write_str(word)?;
            }
            // A nested expression of the same kind gets parentheses too, as it was written with them.
            part.write_inside(self.strength() + 1, f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(name) => write!(f, "rule:{name}"),
            Self::Role(name) => write!(f, "role:{name}"),
            Self::Same(left, value) => write!(f, "{left}:{value}"),
        }
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller(name) | Self::Word(name) => f.write_str(name),
            Self::Text(text) if text.contains('\'') => write!(f, "\"{text}\""),
            Self::Text(text) => write!(f, "'{text}'"),
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(&text.replace('%', "%%")),
            Piece::Target(name) => write!(f, "%({name})s"),
        })
    }
}
