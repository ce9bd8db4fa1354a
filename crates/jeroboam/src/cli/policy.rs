//! `jeroboam policy ...`: reads the policy file itself; no server is asked.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use jeroboam_identity::Auth;
use jeroboam_identity::policy::{DEFAULT_RULES, Explanation, Policy, PolicyTarget, Rule, Step};
use jiff::Timestamp;
use serde::Serialize;

use super::failure::Failure;
use super::output::{Printer, Shown, complain, or_dash};
use super::style::{BAD, BOLD, DIM, GOOD, WARN, paint};
use super::topology::{Branch, draw};
use crate::up::{POLICY_FILE, default_data_dir};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say whether somebody may do something, and why. Ends with 4 when not.
    #[command(after_help = "Examples:
  jeroboam policy check cluster:create --roles member
  jeroboam policy check certificate:get --roles member --user me --target user_id=somebody
  jeroboam policy check cluster:delete --roles reader --project a --target project_id=b --policy new.yaml")]
    Check {
        /// The rule: `jeroboam policy show` lists them.
        rule: String,

        /// Roles of whoever asks.
        #[arg(long, value_name = "ROLE", value_delimiter = ',')]
        roles: Vec<String>,

        /// Project of whoever asks.
        #[arg(long, value_name = "ID", default_value = "a-project")]
        project: String,

        /// Whoever asks.
        #[arg(long, value_name = "ID", default_value = "a-user")]
        user: String,

        /// Whose thing it is about: project_id=ID, user_id=ID. Without, the project and user who ask.
        #[arg(long, value_name = "ATTRIBUTE=ID", value_delimiter = ',', value_parser = attribute)]
        target: Vec<(Attribute, String)>,

        #[command(flatten)]
        file: PolicyFile,
    },
    /// List all rules as they hold, or say all about one.
    #[command(after_help = "Examples:
  jeroboam policy show
  jeroboam policy show cluster:create
  jeroboam policy show -o yaml --policy new.yaml")]
    Show {
        /// A rule.
        rule: Option<String>,

        #[command(flatten)]
        file: PolicyFile,
    },
}

/// Which file to read.
#[derive(Debug, clap::Args)]
pub(crate) struct PolicyFile {
    /// The policy file; by default policy.yaml in the data folder, if there is one.
    #[arg(long, env = "JEROBOAM_POLICY", value_name = "FILE")]
    policy: Option<PathBuf>,

    /// The data folder of the server.
    #[arg(long, env = "JEROBOAM_DATA", value_name = "DIR", default_value_os_t = default_data_dir(), hide = true)]
    data: PathBuf,
}

/// What rules can know of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    Project,
    User,
}

fn attribute(text: &str) -> Result<(Attribute, String), String> {
    match text.split_once('=') {
        Some(("project_id", id)) => Ok((Attribute::Project, id.to_owned())),
        Some(("user_id", id)) => Ok((Attribute::User, id.to_owned())),
        _ => Err("targets have project_id and user_id: write for example project_id=ID".to_owned()),
    }
}

impl PolicyFile {
    /// The rules, after what looks wrong in them was told.
    fn read(self) -> Result<Policy, Failure> {
        let path = match self.policy {
            Some(path) => path,
            None => {
                let usual = self.data.join(POLICY_FILE);
                if !usual.exists() {
                    return Ok(Policy::default());
                }
                usual
            }
        };
        load(&path)
    }
}

fn load(path: &Path) -> Result<Policy, Failure> {
    let (policy, warnings) = Policy::load(path).map_err(anyhow::Error::new)?;
    for warning in warnings {
        complain(&format!("{} {}", paint(WARN, "warning:"), warning.in_file(&path.display().to_string())))?;
    }
    Ok(policy)
}

impl PolicyCommand {
    pub(crate) fn run(self, out: Printer) -> Result<(), Failure> {
        match self {
            Self::Check { rule, roles, project, user, target, file } => {
                let auth = Auth {
                    user_id: user.clone(),
                    user_name: user,
                    project_id: project.clone(),
                    project_name: project,
                    roles,
                    expires_at: Timestamp::MAX,
                };
                let of_target = |wanted| target.iter().find(|(name, _)| *name == wanted).map(|(_, id)| id.as_str());
                let target = PolicyTarget {
                    project_id: of_target(Attribute::Project).unwrap_or(&auth.project_id),
                    user_id: of_target(Attribute::User).unwrap_or(&auth.user_id),
                };
                let explanation = file.read()?.explain(&rule, &auth, target);
                let verdict = if explanation.allowed { "allowed" } else { "refused" };
                out.tree(&explanation, verdict, &told(&explanation))?;
                if explanation.allowed { Ok(()) } else { Err(Failure::Refused) }
            }
            Self::Show { rule, file } => {
                let policy = file.read()?;
                let shown: Vec<ShownRule> = policy.rules().map(|(name, rule)| ShownRule::of(name, rule)).collect();
                match rule {
                    None => out.list(&shown, "There is no rule."),
                    Some(name) => {
                        let found = shown.iter().find(|rule| rule.name == name);
                        let missing =
                            || Failure::NotFound(format!("there is no rule {name}; see `jeroboam policy show`"));
                        out.one(found.ok_or_else(missing)?)
                    }
                }
            }
        }
    }
}

/// The verdict, and the way to it as a tree.
fn told(explanation: &Explanation) -> String {
    let verdict = if explanation.allowed { paint(GOOD, "allowed") } else { paint(BAD, "refused") };
    let mut lines = vec![format!("{} is {verdict}", paint(BOLD, &explanation.rule))];
    if explanation.decided_by != explanation.rule {
        lines.push(format!("decided by the rule {}", paint(BOLD, &explanation.decided_by)));
    }
    draw(&[branch(&explanation.step)], "", &mut lines);
    lines.join("\n")
}

fn branch(step: &Step) -> Branch {
    let mark = if step.holds { paint(GOOD, "✓") } else { paint(BAD, "✗") };
    let why = if step.why.is_empty() { String::new() } else { paint(DIM, &format!("  ({})", step.why)) };
    Branch { text: format!("{mark} {}{why}", step.text), below: step.inner.iter().map(branch).collect() }
}

/// A rule as it is listed.
#[derive(Debug, Serialize)]
struct ShownRule {
    name: String,
    check: String,
    source: String,
    about: Option<&'static str>,
}

impl ShownRule {
    fn of(name: &str, rule: &Rule) -> Self {
        Self {
            name: name.to_owned(),
            check: rule.expression.to_string(),
            source: rule.source.to_string(),
            about: DEFAULT_RULES.iter().find(|default| default.name == name).map(|default| default.about),
        }
    }
}

impl Shown for ShownRule {
    const COLUMNS: &'static [&'static str] = &["RULE", "CHECK", "FROM"];

    fn row(&self) -> Vec<String> {
        vec![self.name.clone(), self.check.clone(), self.source.clone()]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("rule", self.name.clone()),
            ("check", self.check.clone()),
            ("from", self.source.clone()),
            ("asked for", or_dash(self.about)),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_explained_as_a_tree() {
        let auth = Auth {
            user_id: "u".into(),
            user_name: "u".into(),
            project_id: "p".into(),
            project_name: "p".into(),
            roles: vec!["member".into(), "reader".into()],
            expires_at: Timestamp::MAX,
        };
        let target = PolicyTarget { project_id: "p", user_id: "somebody" };
        let explanation = Policy::default().explain("certificate:create", &auth, target);
        insta::assert_snapshot!(anstream::adapter::strip_str(&told(&explanation)).to_string());
    }

    #[test]
    fn targets_have_two_attributes() {
        assert_eq!(attribute("user_id=a=b"), Ok((Attribute::User, "a=b".to_owned())));
        assert!(attribute("user=a").is_err() && attribute("project_id").is_err());
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_only_when_it_was_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |policy| PolicyFile { policy, data: folder.path().to_owned() };
        assert!(file(Some(folder.path().join("mine.yaml"))).read().is_err());
        assert_eq!(file(None).read().unwrap(), Policy::default());
        std::fs::write(folder.path().join(POLICY_FILE), "\"cluster:get\": \"@\"\n").unwrap();
        assert_ne!(file(None).read().unwrap(), Policy::default());
    }
}
