//! Evaluates a rule, and explains its result step by step.

use serde::Serialize;

use super::expression::{Check, Expression, Left};
use super::{Policy, PolicyTarget, rules};
use crate::Auth;

/// Attributes of callers that checks can compare. Checks of other attributes never hold.
pub(super) const CALLER_ATTRIBUTES: [&str; 6] =
    ["user_id", "user_name", "project_id", "project_name", "is_admin", "roles"];

/// Attributes of targets that checks can name. Checks with other attributes never hold.
pub(super) const TARGET_ATTRIBUTES: [&str; 2] = ["project_id", "user_id"];

/// The caller and the target of a request.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) policy: &'a Policy,
    pub(super) auth: &'a Auth,
    pub(super) target: PolicyTarget<'a>,
}

/// The result of a rule, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The rule that was evaluated.
    pub rule: String,
    /// Whether it allows the caller.
    pub allowed: bool,
    /// The rule that decided: the one evaluated, or the innermost rule that it refers to and that alone gave its
    /// result.
    pub decided_by: String,
    /// The evaluation, as a tree.
    pub step: Step,
}

/// A part of a rule and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The part, in the language of rules.
    pub text: String,
    /// Whether it holds.
    pub holds: bool,
    /// The reason; empty where the inner parts give it.
    pub why: String,
    /// The inner parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inner: Vec<Step>,
    #[serde(skip)]
    kind: Kind,
}

/// Kind of the part, as needed to determine the deciding rule.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Another rule by its name.
    Rule(String),
    All,
    Any,
    Other,
}

impl Question<'_> {
    /// Whether a rule holds. `None` when there is no rule of the name.
    pub(super) fn rule(self, name: &str) -> Option<bool> {
        self.policy.find(name).map(|rule| self.holds(&rule.expression))
    }

    fn holds(self, expression: &Expression) -> bool {
        match expression {
            Expression::Always => true,
            Expression::Never => false,
            Expression::Not(inner) => !self.holds(inner),
            Expression::All(parts) => parts.iter().all(|part| self.holds(part)),
            Expression::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Expression::Check(Check::Rule(name)) => self.rule(name).unwrap_or(false),
            Expression::Check(check) => self.check(check),
        }
    }

    /// Evaluates a check that is not another rule.
    fn check(self, check: &Check) -> bool {
        match check {
            Check::Rule(_) => false,
            Check::Role(template) => template
                .fill(|name| self.of_target(name))
                .is_some_and(|wanted| self.auth.roles.iter().any(|role| role.to_lowercase() == wanted.to_lowercase())),
            Check::Same(left, template) => {
                let Some(value) = template.fill(|name| self.of_target(name)) else { return false };
                match left {
                    Left::Text(text) | Left::Word(text) => *text == value,
                    Left::Caller(name) => self.of_caller(name).contains(&value.as_str()),
                }
            }
        }
    }

    /// The values of a caller's attribute; empty when there is no such attribute.
    fn of_caller(&self, name: &str) -> Vec<&str> {
        match name {
            "user_id" => vec![&self.auth.user_id],
            "user_name" => vec![&self.auth.user_name],
            "project_id" => vec![&self.auth.project_id],
            "project_name" => vec![&self.auth.project_name],
            // As Python writes them, so that policy files for Magnum mean the same here.
            "is_admin" => vec![if self.rule(rules::ADMIN).unwrap_or(false) { "True" } else { "False" }],
            "roles" => self.auth.roles.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }

    fn of_target(&self, name: &str) -> Option<&str> {
        match name {
            "project_id" => Some(self.target.project_id),
            "user_id" => Some(self.target.user_id),
            _ => None,
        }
    }

    /// The result of a rule with its reasons.
    pub(super) fn explain(self, name: &str) -> Explanation {
        let step = self.step_of_rule(name);
        let decided_by = deciding(&step).unwrap_or(name).to_owned();
        Explanation { rule: name.to_owned(), allowed: step.holds, decided_by, step }
    }

    fn step_of_rule(self, name: &str) -> Step {
        let text = format!("rule:{name}");
        match self.policy.find(name) {
            None => Step {
                text,
                holds: false,
                why: "there is no rule of this name".to_owned(),
                inner: Vec::new(),
                kind: Kind::Other,
            },
            Some(rule) => {
                let inner = self.step(&rule.expression);
                Step {
                    text,
                    holds: inner.holds,
                    why: rule.source.to_string(),
                    inner: vec![inner],
                    kind: Kind::Rule(name.to_owned()),
                }
            }
        }
    }

    fn step(self, expression: &Expression) -> Step {
        let inner: Vec<Step> = match expression {
            Expression::Check(Check::Rule(name)) => return self.step_of_rule(name),
            Expression::Always | Expression::Never | Expression::Check(_) => Vec::new(),
            Expression::Not(inner) => vec![self.step(inner)],
            Expression::All(parts) | Expression::Any(parts) => parts.iter().map(|part| self.step(part)).collect(),
        };
        let why = match expression {
            Expression::Always => "everybody may".to_owned(),
            Expression::Never => "nobody may".to_owned(),
            Expression::Check(check) => self.why(check),
            Expression::Not(_) | Expression::All(_) | Expression::Any(_) => String::new(),
        };
        let kind = match expression {
            Expression::All(_) => Kind::All,
            Expression::Any(_) => Kind::Any,
            _ => Kind::Other,
        };
        Step { text: expression.to_string(), holds: self.holds(expression), why, inner, kind }
    }

    /// What a check compares, for messages.
    fn why(self, check: &Check) -> String {
        let (Check::Role(template) | Check::Same(_, template)) = check else { return String::new() };
        let Some(value) = template.fill(|name| self.of_target(name)) else {
            let unknown = template.targets().find(|name| self.of_target(name).is_none()).unwrap_or_default();
            return format!("the target has no {unknown}");
        };
        match check {
            Check::Same(Left::Caller(name), _) => match self.of_caller(name).as_slice() {
                [] => format!("callers have no {name}"),
                values => format!("the caller's {name} is {}, wanted is {value}", values.join(", ")),
            },
            Check::Same(left, _) => format!("{left} is compared with {value}"),
            Check::Rule(_) | Check::Role(_) if self.auth.roles.is_empty() => "the caller has no role".to_owned(),
            Check::Rule(_) | Check::Role(_) => format!("the caller's roles are {}", self.auth.roles.join(", ")),
        }
    }
}

/// The innermost rule below a step that alone decided it; `None` when it is the step itself.
fn deciding(step: &Step) -> Option<&str> {
    let first = |holds: bool| step.inner.iter().find(|inner| inner.holds == holds);
    match &step.kind {
        Kind::Rule(name) => step.inner.first().and_then(deciding).or(Some(name)),
        // One part that holds decides an `or`, one that does not decides an `and`. Otherwise all parts count.
        Kind::Any if step.holds => first(true).and_then(deciding),
        Kind::All if !step.holds => first(false).and_then(deciding),
        Kind::Any | Kind::All | Kind::Other => None,
    }
}
