//! The two spellings of nouns, and nouns that share their verbs: the help of each uses its own nouns.

use clap::{Command, CommandFactory};

use super::Cli;

/// Which of the two spellings of a noun was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `bay`, `baymodel`.
    First,
    /// `cluster`, `cluster-template`.
    Today,
}

impl Spelling {
    /// The word for a cluster.
    pub(crate) fn cluster(self) -> &'static str {
        match self {
            Self::First => "bay",
            Self::Today => "cluster",
        }
    }

    /// The word for a cluster template.
    pub(crate) fn template(self) -> &'static str {
        match self {
            Self::First => "baymodel",
            Self::Today => "cluster-template",
        }
    }
}

/// Nouns that share the verbs of another noun, with the replacements in their help texts.
const WORDS: [(&str, &[(&str, &str)]); 4] = [
    (
        "cluster",
        &[
            ("jeroboam bay ", "jeroboam cluster "),
            ("--baymodel ", "--cluster-template "),
            ("a bay", "a cluster"),
            ("bays", "clusters"),
        ],
    ),
    (
        "cluster-template",
        &[
            ("jeroboam baymodel ", "jeroboam cluster-template "),
            ("a baymodel", "a cluster template"),
            ("baymodels", "cluster templates"),
        ],
    ),
    ("service", &[("jeroboam pod ", "jeroboam service "), ("a pod", "a service"), ("pods", "services")]),
    (
        "rc",
        &[
            ("jeroboam pod ", "jeroboam rc "),
            ("a pod", "a replication controller"),
            ("pods", "replication controllers"),
        ],
    ),
];

/// The whole command line.
pub(crate) fn command() -> Command {
    WORDS.iter().fold(Cli::command(), |command, (noun, words)| {
        command.mut_subcommand(noun, |noun| {
            let verbs: Vec<String> = noun.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
            verbs.iter().fold(noun, |noun, verb| noun.mut_subcommand(verb, |verb| reworded(verb, words)))
        })
    })
}

fn reworded(verb: Command, words: &[(&str, &str)]) -> Command {
    let say = |text: String| words.iter().fold(text, |text, (from, to)| text.replace(from, to));
    let about = verb.get_about().map(|about| say(about.to_string()));
    let examples = verb.get_after_help().map(|examples| say(examples.to_string()));
    let verb = match about {
        Some(about) => verb.about(about),
        None => verb,
    };
    match examples {
        Some(examples) => verb.after_help(examples),
        None => verb,
    }
}
