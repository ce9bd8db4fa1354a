//! Authorization: rules by name, in the language of oslo.policy, with Magnum's names and defaults (contract magnum-v1
//! section 5). An operator's `policy.yaml` replaces rules.
//!
//! - [`parse`]: parses text to an [`Expression`], which prints as text again.
//! - [`Policy`]: all rules, and their evaluation; [`Policy::explain`] gives the reasons of a result.
//! - [`PolicyBook`]: the policy of a running server, reloaded when its file changes.
//! - [`DEFAULT_RULES`]: the default rules.

mod book;
mod explain;
mod expression;
mod file;
mod parser;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::path::Path;

pub use book::PolicyBook;
use explain::{CALLER_ATTRIBUTES, Question, TARGET_ATTRIBUTES};
pub use explain::{Explanation, Step};
pub use expression::{Check, Expression, Left, Piece, Template};
pub use file::{MAX_FILE, PolicyError, Problem};
pub use parser::{MAX_LENGTH, MAX_NESTING, ParseError, parse, parse_lists};
pub use rules::{DEFAULT_RULES, DefaultRule};
use thiserror::Error;

use crate::Auth;

/// Most levels of a rule, including those of the rules that it refers to: evaluation takes stack for each.
const MAX_DEPTH: usize = 256;

/// Most checks in the evaluation of one rule, including those of the rules that it refers to. Rules that each refer to
/// another one twice would otherwise take exponential time.
const MAX_CHECKS: usize = 4096;

/// Owner of the object of a request. For lists and creates that is the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyTarget<'a> {
    /// Project that owns the object.
    pub project_id: &'a str,
    /// User who created the object.
    pub user_id: &'a str,
}

impl<'a> PolicyTarget<'a> {
    /// The caller's own project and user.
    #[must_use]
    pub fn own(auth: &'a Auth) -> Self {
        Self { project_id: &auth.project_id, user_id: &auth.user_id }
    }
}

/// A rule does not allow a request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Policy doesn't allow {rule} to be performed. It needs {needs}")]
pub struct Denied {
    /// Name of the rule.
    pub rule: String,
    /// The rule's expression, with the rules that it refers to inserted.
    pub needs: String,
}

/// Where a rule is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A default rule.
    Default,
    /// In the operator's file, at this line.
    File(usize),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(line) => write!(f, "policy file, line {line}"),
        }
    }
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its expression.
    pub expression: Expression,
    /// Where it is defined.
    pub source: Source,
}

/// All rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    rules: BTreeMap<String, Rule>,
}

impl Default for Policy {
    fn default() -> Self {
        let rules = DEFAULT_RULES.iter().map(|rule| {
            // A test parses all of them. One that could not be parsed would allow no one.
            let expression = parse(rule.check).unwrap_or(Expression::Never);
            (rule.name.to_owned(), Rule { expression, source: Source::Default })
        });
        Self { rules: rules.collect() }
    }
}

impl Policy {
    /// Replaces defaults by the rules of a policy file. Also returns warnings.
    ///
    /// # Errors
    /// All errors in the text. Its rules are then not used at all.
    pub fn read(text: &str) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let mut policy = Self::default();
        let known: BTreeSet<String> = policy.rules.keys().cloned().collect();
        for (name, entry) in file::read(text)? {
            policy.rules.insert(name, Rule { expression: entry.expression, source: Source::File(entry.line) });
        }
        let mut problems = policy.broken_references();
        if problems.is_empty() {
            problems = policy.endless();
        }
        if problems.is_empty() { Ok((policy.clone(), policy.warnings(&known))) } else { Err(problems) }
    }

    /// Reads a policy file; see [`Policy::read`].
    ///
    /// # Errors
    /// When the file or its rules cannot be read.
    pub fn load(path: &Path) -> Result<(Self, Vec<Problem>), PolicyError> {
        let failed = |problems| PolicyError { file: path.display().to_string(), problems };
        let whole = |message| failed(vec![Problem { line: None, rule: None, message }]);
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text))
            .map_err(|error| whole(format!("the file cannot be read: {error}")))?;
        if text.len() as u64 > MAX_FILE {
            return Err(whole(format!("the file is larger than {MAX_FILE} bytes")));
        }
        Self::read(&text).map_err(failed)
    }

    /// Evaluates a rule by its name. A rule that does not exist allows no one, not even an admin, unless the operator
    /// has defined one named `default`.
    ///
    /// # Errors
    /// When the rule does not allow it.
    pub fn enforce(&self, rule: &str, auth: &Auth, target: PolicyTarget<'_>) -> Result<(), Denied> {
        if self.question(auth, target).rule(rule) == Some(true) {
            return Ok(());
        }
        let needs = match self.find(rule) {
            Some(found) => self.spelt_out(&found.expression).to_string(),
            None => "a rule of that name".to_owned(),
        };
        Err(Denied { rule: rule.to_owned(), needs })
    }

    /// Whether the caller is an administrator: the rule `context_is_admin`, for the caller's own project.
    #[must_use]
    pub fn is_admin(&self, auth: &Auth) -> bool {
        self.question(auth, PolicyTarget::own(auth)).rule(rules::ADMIN) == Some(true)
    }

    /// The result of a rule, and its reasons.
    #[must_use]
    pub fn explain(&self, rule: &str, auth: &Auth, target: PolicyTarget<'_>) -> Explanation {
        self.question(auth, target).explain(rule)
    }

    /// Whether there is a rule of exactly this name.
    #[must_use]
    pub fn has(&self, rule: &str) -> bool {
        self.rules.contains_key(rule)
    }

    /// All rules by name.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &Rule)> {
        self.rules.iter().map(|(name, rule)| (name.as_str(), rule))
    }

    fn question<'a>(&'a self, auth: &'a Auth, target: PolicyTarget<'a>) -> Question<'a> {
        Question { policy: self, auth, target }
    }

    /// The rule of this name, or the fallback rule when there is none.
    fn find(&self, name: &str) -> Option<&Rule> {
        self.rules.get(name).or_else(|| self.rules.get(rules::FALLBACK))
    }

    /// An expression with the rules that it refers to inserted.
    fn spelt_out(&self, expression: &Expression) -> Expression {
        let all = |parts: &[Expression]| parts.iter().map(|part| self.spelt_out(part)).collect();
        match expression {
            Expression::Check(Check::Rule(name)) => {
                self.find(name).map_or(Expression::Never, |rule| self.spelt_out(&rule.expression))
            }
            Expression::Not(inner) => Expression::Not(Box::new(self.spelt_out(inner))),
            Expression::All(parts) => Expression::All(all(parts)),
            Expression::Any(parts) => Expression::Any(all(parts)),
            other => other.clone(),
        }
    }

    /// Rules that refer to missing rules.
    fn broken_references(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, rule) in &self.rules {
            for missing in references(&rule.expression).filter(|other| self.find(other).is_none()) {
                problems.push(problem(name, rule, format!("refers to the rule {missing}, which does not exist")));
            }
        }
        problems.sort_by_key(|problem| problem.line);
        problems
    }

    /// Rules that refer to themselves, or lead to too many checks.
    fn endless(&self) -> Vec<Problem> {
        let mut known = BTreeMap::new();
        let mut problems: Vec<Problem> =
            self.rules.keys().filter_map(|name| self.extent(name, &mut Vec::new(), &mut known).err()).collect();
        problems.sort_by_key(|problem| problem.line);
        // Every rule that leads into the same cycle finds it.
        problems.dedup();
        problems
    }

    /// The extent of a rule. `path` are the rules that led to it, `known` the results so far.
    fn extent<'a>(
        &'a self,
        name: &'a str,
        path: &mut Vec<&'a str>,
        known: &mut BTreeMap<&'a str, Result<Extent, Problem>>,
    ) -> Result<Extent, Problem> {
        if let Some(extent) = known.get(name) {
            return extent.clone();
        }
        let extent = self.find_extent(name, path, known);
        // Kept also after a failure, so that every rule is visited only once.
        known.insert(name, extent.clone());
        extent
    }

    fn find_extent<'a>(
        &'a self,
        name: &'a str,
        path: &mut Vec<&'a str>,
        known: &mut BTreeMap<&'a str, Result<Extent, Problem>>,
    ) -> Result<Extent, Problem> {
        let Some(rule) = self.find(name) else { return Ok(Extent::default()) };
        if let Some(begin) = path.iter().position(|passed| *passed == name) {
            return Err(self.circle(path.get(begin..).unwrap_or_default()));
        }
        let too_much = || {
            problem(name, rule, format!("goes through more than {MAX_DEPTH} levels of rules, or {MAX_CHECKS} checks"))
        };
        if path.len() >= MAX_DEPTH {
            return Err(too_much());
        }
        path.push(name);
        let mut extent = Extent { depth: 0, checks: rule.expression.checks().len() };
        for other in references(&rule.expression) {
            let other = self.extent(other, path, known)?;
            extent.depth = extent.depth.max(other.depth);
            extent.checks = extent.checks.saturating_add(other.checks);
        }
        path.pop();
        extent.depth += rule.expression.depth();
        if extent.depth > MAX_DEPTH || extent.checks > MAX_CHECKS { Err(too_much()) } else { Ok(extent) }
    }

    /// The problem of a cycle, reported for the same rule wherever it was entered: the first of those that the operator
    /// wrote.
    fn circle(&self, rules: &[&str]) -> Problem {
        let line = |name: &str| match self.find(name).map(|rule| rule.source) {
            Some(Source::File(line)) => line,
            _ => usize::MAX,
        };
        let mut circle = rules.to_vec();
        let first = circle.iter().enumerate().min_by_key(|(_, name)| line(name)).map_or(0, |(index, _)| index);
        circle.rotate_left(first);
        let name = circle.first().copied().unwrap_or_default();
        let way = circle.iter().chain(circle.first()).copied().collect::<Vec<_>>().join(" -> ");
        Problem {
            line: Some(line(name)).filter(|line| *line != usize::MAX),
            rule: Some(name.to_owned()),
            message: format!("refers to itself: {way}"),
        }
    }

    /// Probable mistakes in the operator's rules.
    fn warnings(&self, known: &BTreeSet<String>) -> Vec<Problem> {
        let used: BTreeSet<&str> = self.rules.values().flat_map(|rule| references(&rule.expression)).collect();
        let mut warnings = Vec::new();
        for (name, rule) in &self.rules {
            if rule.source == Source::Default {
                continue;
            }
            if !known.contains(name) && !used.contains(name.as_str()) && name != rules::FALLBACK {
                warnings.push(problem(name, rule, "is used by no request and no rule: check its name".to_owned()));
            }
            for check in rule.expression.checks() {
                if let Check::Same(Left::Caller(attribute), _) = check
                    && !CALLER_ATTRIBUTES.contains(&attribute.as_str())
                {
                    let message = format!("'{check}' never holds: callers have {}", CALLER_ATTRIBUTES.join(", "));
                    warnings.push(problem(name, rule, message));
                }
                if let Check::Role(value) | Check::Same(_, value) = check
                    && let Some(unknown) = value.targets().find(|target| !TARGET_ATTRIBUTES.contains(target))
                {
                    let there = TARGET_ATTRIBUTES.join(" and ");
                    let message = format!("'{check}' never holds: targets have no {unknown}, but {there}");
                    warnings.push(problem(name, rule, message));
                }
            }
        }
        warnings.sort_by_key(|warning| warning.line);
        warnings
    }
}

/// Size of a rule, including the rules that it refers to.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    depth: usize,
    checks: usize,
}

fn problem(name: &str, rule: &Rule, message: String) -> Problem {
    let line = match rule.source {
        Source::Default => None,
        Source::File(line) => Some(line),
    };
    Problem { line, rule: Some(name.to_owned()), message }
}

/// The rules that an expression refers to. `is_admin` stands for the admin rule.
fn references(expression: &Expression) -> impl Iterator<Item = &str> {
    expression.checks().into_iter().filter_map(|check| match check {
        Check::Rule(name) => Some(name.as_str()),
        Check::Same(Left::Caller(name), _) if name == "is_admin" => Some(rules::ADMIN),
        _ => None,
    })
}
