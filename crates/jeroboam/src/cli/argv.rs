//! `jeroboam bay-create` as another spelling of `jeroboam bay create`, as Magnum's first client had it.

use std::ffi::OsString;

use clap::Command;

/// Splits `NOUN-VERB` where it is the command. All other arguments stay as they are, including `cluster-template`,
/// which is a noun.
pub(crate) fn rewrite(command: &Command, mut arguments: Vec<OsString>) -> Vec<OsString> {
    let Some(index) = command_index(command, &arguments) else { return arguments };
    let Some((noun, verb)) = arguments[index].to_str().and_then(|word| split(command, word)) else { return arguments };
    arguments.splice(index..=index, [OsString::from(noun), OsString::from(verb)]);
    arguments
}

/// Index of the command: the first argument that is neither an option nor the value of one.
fn command_index(command: &Command, arguments: &[OsString]) -> Option<usize> {
    let mut index = 1;
    while let Some(argument) = arguments.get(index) {
        let Some(text) = argument.to_str() else { return Some(index) };
        if !text.starts_with('-') {
            return Some(index);
        }
        let takes_value = command.get_arguments().any(|option| {
            option.get_action().takes_values()
                && (option.get_long().is_some_and(|long| text == format!("--{long}"))
                    || option.get_short().is_some_and(|short| text == format!("-{short}")))
        });
        index += if takes_value { 2 } else { 1 };
    }
    None
}

fn split<'a>(command: &Command, word: &'a str) -> Option<(&'a str, &'a str)> {
    if command.find_subcommand(word).is_some() {
        return None;
    }
    word.match_indices('-').find_map(|(at, _)| {
        let (noun, verb) = (&word[..at], &word[at + 1..]);
        command.find_subcommand(noun)?.find_subcommand(verb)?;
        Some((noun, verb))
    })
}

#[cfg(test)]
mod tests {
    use super::super::spelling::command;
    use super::*;

    fn rewritten(line: &str) -> String {
        let arguments = line.split(' ').map(OsString::from).collect();
        let words = rewrite(&command(), arguments);
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_hyphen_between_noun_and_verb_is_as_good_as_a_blank() {
        for (given, meant) in [
            ("jeroboam bay-create demo", "jeroboam bay create demo"),
            ("jeroboam cluster-template-list", "jeroboam cluster-template list"),
            ("jeroboam baymodel-show kubernetes", "jeroboam baymodel show kubernetes"),
            ("jeroboam -o json pod-list --bay x", "jeroboam -o json pod list --bay x"),
            ("jeroboam --os-cloud bay-list bay-list", "jeroboam --os-cloud bay-list bay list"),
            ("jeroboam --os-cloud=x container-exec c -- ls", "jeroboam --os-cloud=x container exec c -- ls"),
        ] {
            assert_eq!(rewritten(given), meant);
        }
    }

    #[test]
    fn everything_else_stays() {
        for line in [
            "jeroboam",
            "jeroboam bay create bay-create",
            "jeroboam cluster-template list",
            "jeroboam exit-codes",
            "jeroboam bay-dance x",
            "jeroboam --help",
        ] {
            assert_eq!(rewritten(line), line);
        }
    }

    #[test]
    fn every_verb_of_every_noun_has_the_other_spelling() {
        let command = command();
        for noun in command.get_subcommands() {
            for verb in noun.get_subcommands() {
                let line = format!("jeroboam {}-{}", noun.get_name(), verb.get_name());
                assert_eq!(rewritten(&line), format!("jeroboam {} {}", noun.get_name(), verb.get_name()));
            }
        }
    }
}
