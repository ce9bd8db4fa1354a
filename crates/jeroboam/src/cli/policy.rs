//! `jeroboam policy ...`: reads the policy file directly; no server is contacted.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use jeroboam_client::environment::{Environment, Process};
use jeroboam_identity::Auth;
use jeroboam_identity::policy::{DEFAULT_RULES, Explanation, Policy, PolicyTarget, Rule, Step};
use jiff::Timestamp;
use serde::Serialize;

use super::failure::Failure;
use super::output::{Printer, Shown, complain, or_dash};
use super::style::{BAD, BOLD, DIM, GOOD, WARN, paint};
use super::topology::{Branch, draw};
use crate::up::POLICY_FILE;

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Check whether somebody may do something, and why. Exits with 4 if not.
    #[command(after_help = "Examples:
  jeroboam policy check cluster:create --roles member
  jeroboam policy check certificate:get --roles member --user me \\
    --target user_id=somebody
  jeroboam policy check cluster:delete --roles reader --project a \\
    --target project_id=b --policy new.yaml")]
    Check {
        /// Name of the rule: `jeroboam policy show` lists them.
        rule: String,

        /// Roles of the caller.
        #[arg(long, value_name = "ROLE", value_delimiter = ',')]
        roles: Vec<String>,

        /// Project of the caller.
        #[arg(long, value_name = "ID", default_value = "a-project")]
        project: String,

        /// User id of the caller.
        #[arg(long, value_name = "ID", default_value = "a-user")]
        user: String,

        /// Owner of the target: project_id=ID, user_id=ID. By default the caller's project and user.
        #[arg(long, value_name = "ATTRIBUTE=ID", value_delimiter = ',', value_parser = attribute)]
        target: Vec<(Attribute, String)>,

        #[command(flatten)]
        file: PolicyFile,
    },
    /// List all rules in effect, or show the details of one.
    #[command(after_help = "Examples:
  jeroboam policy show
  jeroboam policy show cluster:create
  jeroboam policy show -o yaml --policy new.yaml")]
    Show {
        /// Name of a rule.
        rule: Option<String>,

        #[command(flatten)]
        file: PolicyFile,
    },
}

/// The policy file to read.
#[derive(Debug, clap::Args)]
pub(crate) struct PolicyFile {
    /// The policy file; by default policy.yaml in the data folder, if there is one [env: JEROBOAM_POLICY].
    // Not read by clap, which would show an option with a variable as required in its usage lines.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// The data folder of the server.
    #[arg(long, value_name = "DIR", hide = true)]
    data: Option<PathBuf>,
}

/// Attributes of a target that rules can use.
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
    /// Reads the rules, and prints warnings about them.
    fn read(self, environment: &impl Environment) -> Result<Policy, Failure> {
        if let Some(path) = self.policy.or_else(|| environment.variable("JEROBOAM_POLICY").map(PathBuf::from)) {
            return load(&path);
        }
        let folder = self.data.or_else(|| environment.data_folder());
        match folder.map(|folder| folder.join(POLICY_FILE)).filter(|usual| usual.exists()) {
            Some(usual) => load(&usual),
            None => Ok(Policy::default()),
        }
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
                let policy = file.read(&Process)?;
                known(&policy, &rule)?;
                let explanation = policy.explain(&rule, &auth, target);
                let verdict = if explanation.allowed { "allowed" } else { "refused" };
                out.tree(&explanation, verdict, &told(&explanation))?;
                if explanation.allowed { Ok(()) } else { Err(Failure::Refused) }
            }
            Self::Show { rule, file } => {
                let policy = file.read(&Process)?;
                let shown: Vec<ShownRule> = policy.rules().map(|(name, rule)| ShownRule::of(name, rule)).collect();
                match rule {
                    None => out.list(&shown, "There is no rule."),
                    Some(name) => {
                        known(&policy, &name)?;
                        shown.iter().find(|rule| rule.name == name).map_or(Ok(()), |rule| out.one(rule))
                    }
                }
            }
        }
    }
}

/// An unknown rule would refuse everybody, and the user would not notice the typo.
fn known(policy: &Policy, name: &str) -> Result<(), Failure> {
    if policy.rules().any(|(known, _)| known == name) {
        return Ok(());
    }
    // One typo, and one more for every five letters.
    let most = 1 + name.chars().count() / 5;
    let nearest = policy
        .rules()
        .map(|(known, _)| (strsim::damerau_levenshtein(name, known), known))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance);
    let meant = nearest.map(|(_, known)| format!(", did you mean {known}?")).unwrap_or_default();
    Err(Failure::NotFound(format!("there is no rule {name}{meant}\n       `jeroboam policy show` lists them all.")))
}

/// The decision, and how it was reached as a tree.
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

/// A rule in a list.
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
    // The check comes last: it can be longer than any terminal.
    const COLUMNS: &'static [&'static str] = &["RULE", "FROM", "CHECK"];
    const TEXT: Option<&'static str> = Some("CHECK");

    fn row(&self) -> Vec<String> {
        vec![self.name.clone(), self.source.clone(), self.check.clone()]
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

    /// An environment without variables.
    struct Nothing;

    impl Environment for Nothing {
        fn variable(&self, _: &str) -> Option<String> {
            None
        }
        fn file(&self, _: &Path) -> std::io::Result<Option<String>> {
            Ok(None)
        }
    }

    #[test]
    fn a_rule_that_is_not_there_is_not_found_and_never_refused() {
        let missing = |rule: &str| {
            let failure = known(&Policy::default(), rule).unwrap_err();
            assert_eq!(failure.code(), 3);
            let Failure::NotFound(message) = failure else { panic!("{failure:?}") };
            message
        };
        assert!(missing("cluster:creat").contains("did you mean cluster:create?"), "{}", missing("cluster:creat"));
        assert!(!missing("nonsense").contains("did you mean"), "{}", missing("nonsense"));
        assert!(known(&Policy::default(), "cluster:create").is_ok());
    }

    #[test]
    fn targets_have_two_attributes() {
        assert_eq!(attribute("user_id=a=b"), Ok((Attribute::User, "a=b".to_owned())));
        assert!(attribute("user=a").is_err() && attribute("project_id").is_err());
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_only_when_it_was_named() {
        let folder = tempfile::tempdir().unwrap();
        let read = |policy| PolicyFile { policy, data: Some(folder.path().to_owned()) }.read(&Nothing);
        assert!(read(Some(folder.path().join("mine.yaml"))).is_err());
        assert_eq!(read(None).unwrap(), Policy::default());
        std::fs::write(folder.path().join(POLICY_FILE), "\"cluster:get\": \"@\"\n").unwrap();
        assert_ne!(read(None).unwrap(), Policy::default());
    }
}
