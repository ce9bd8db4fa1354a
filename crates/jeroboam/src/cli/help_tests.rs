use clap::Command as Clap;

use super::spelling::command;
use super::*;

/// Width of a usual terminal, in columns.
const USUAL: usize = 80;

/// Calls `check` with every command that does something, and its full name.
fn each(check: &mut dyn FnMut(&Clap, &str)) {
    fn walk(command: &Clap, path: &str, check: &mut dyn FnMut(&Clap, &str)) {
        let path = format!("{path}{} ", command.get_name());
        check(command, path.trim_end());
        command.get_subcommands().for_each(|verb| walk(verb, &path, check));
    }
    let mut whole = command();
    whole.build();
    walk(&whole, "", check);
}

fn said(line: &str) -> String {
    let arguments = line.split(' ').map(std::ffi::OsString::from);
    command().try_get_matches_from(arguments).unwrap_err().to_string()
}

#[test]
fn the_command_line_is_sound() {
    command().debug_assert();
}

#[test]
fn every_command_explains_itself_with_examples_of_its_own() {
    each(&mut |command, path| {
        if path.contains(" help") {
            return;
        }
        assert!(command.get_about().is_some(), "{path} has no help");
        let is_verb = !command.has_subcommands();
        if is_verb && !path.ends_with("exit-codes") {
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let aliases: Vec<&str> = command.get_visible_aliases().collect();
            let noun = path.rsplit_once(' ').map_or("", |(noun, _)| noun);
            let lines: Vec<&str> = examples.lines().filter(|line| line.contains("jeroboam ")).collect();
            assert!(!lines.is_empty(), "{path} has no examples");
            for line in lines {
                let is_its_own =
                    line.contains(path) || aliases.iter().any(|alias| line.contains(&format!("{noun} {alias}")));
                assert!(is_its_own, "{path} has an example of something else: {line}");
            }
        }
    });
}

#[test]
fn examples_can_be_copied_from_a_usual_terminal() {
    each(&mut |command, path| {
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let help = command.clone().term_width(USUAL).render_help().to_string();
        for line in examples.lines() {
            assert!(line.chars().count() <= USUAL, "{path}: {line} is too long");
            assert!(help.lines().any(|shown| shown == line), "{path}: {line} breaks:\n{help}");
        }
        // An example over several lines must be complete when all of its lines are copied.
        for pair in examples.lines().collect::<Vec<_>>().windows(2) {
            let goes_on = pair[1].starts_with("    ");
            assert_eq!(pair[0].ends_with(" \\"), goes_on, "{path}: {} / {}", pair[0], pair[1]);
        }
    });
}

#[test]
fn help_stays_as_it_was_meant() {
    // A fixed width, whatever terminal the test runs in.
    let mut command = command().term_width(100);
    insta::assert_snapshot!("help", command.render_help());
    let mut exit_codes = command.find_subcommand("exit-codes").unwrap().clone();
    insta::assert_snapshot!("help_exit_codes", exit_codes.render_long_help());
}

#[test]
fn nouns_that_share_verbs_are_helped_in_their_own_words() {
    let help = |noun: &str, verb: &str| {
        let mut whole = command().term_width(USUAL);
        whole.build();
        let verb = whole.find_subcommand(noun).unwrap().find_subcommand(verb).unwrap();
        format!("{}\n\n{}", verb.get_about().unwrap(), verb.get_after_help().unwrap())
    };
    insta::assert_snapshot!(help("cluster", "create"), @r"
    Create a cluster

    Examples:
      jeroboam cluster create demo --cluster-template kubernetes --node-count 2
      jeroboam cluster create blue --cluster-template swarm --no-wait
      jeroboam cluster create demo --cluster-template kubernetes --plan
      jeroboam cluster create old --cluster-template kubernetes --merge-labels \
        --labels kube_tag=v1.37.2,flannel_backend=vxlan
    ");
    insta::assert_snapshot!(help("rc", "delete"), @r"
    Delete replication controllers

    Examples:
      jeroboam rc delete nginx --bay demo
    ");
}

#[test]
fn scripts_for_all_shells_know_the_nouns() {
    for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command(), "jeroboam", &mut script);
        let script = String::from_utf8(script).unwrap();
        assert!(["baymodel", "topology", "version"].iter().all(|word| script.contains(word)), "{shell}");
    }
}

#[test]
fn the_programs_own_version_and_those_of_engines_do_not_get_in_each_others_way() {
    for line in ["jeroboam --version", "jeroboam -V", "jeroboam bay list --version", "jeroboam version list -V"] {
        let shown = command().try_get_matches_from(line.split(' ')).unwrap_err();
        assert_eq!(shown.kind(), clap::error::ErrorKind::DisplayVersion, "{line}");
        assert!(shown.to_string().trim_end().ends_with(env!("CARGO_PKG_VERSION")), "{line}: {shown}");
    }
    for line in ["jeroboam version list", "jeroboam versions list --engine swarm", "jeroboam version list --coe swarm"]
    {
        assert!(command().try_get_matches_from(line.split(' ')).is_ok(), "{line}");
    }
    assert!(said("jeroboam version list --engine mesos").contains("[possible values: kubernetes, swarm]"));
}

#[test]
fn every_number_says_what_is_wrong_with_another_one() {
    let numbers = ["NUMBER", "GB", "MINUTES", "PORT", "SECONDS"];
    let mut count = 0;
    each(&mut |command, path| {
        for argument in command.get_arguments() {
            let is_number = argument.get_value_names().is_some_and(|names| numbers.contains(&names[0].as_str()));
            let Some(long) = argument.get_long().filter(|_| is_number) else { continue };
            count += 1;
            let text = said(&format!("{path} --{long} abc"));
            assert!(text.contains("must be a number"), "{path} --{long}: {text}");
            let below = command.clone().try_get_matches_from([path, &format!("--{long}"), "-1"]);
            let text = below.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(!text.contains("-- -1"), "{path} --{long}: {text}");
        }
    });
    assert!(count > 15, "only {count} numbers were looked at");
    assert!(said("jeroboam quota update p --limit -1").contains("must be from 0 to"));
    assert!(said("jeroboam bay resize demo abc").contains("must be a number"));
}

#[test]
fn choices_are_named_when_another_is_given() {
    let text = said("jeroboam quota show p --resource Node");
    assert!(text.contains("[possible values: Cluster, WorkerNode, MasterNode]"), "{text}");
    let parses = |line: &str| command().try_get_matches_from(line.split(' ')).is_ok();
    assert!(parses("jeroboam quota show p --resource workernode"));
    for noun in ["bay", "cluster"] {
        assert!(parses(&format!("jeroboam {noun} create x --baymodel k --master-lb-disabled")));
        assert!(!parses(&format!("jeroboam {noun} create x --baymodel k --master-lb-disabled --master-lb-enabled")));
    }
}

#[test]
fn a_global_option_stands_anywhere_and_variables_are_not_taken_for_what_must_be_given() {
    let cli = |line: &str| {
        let matches = command().try_get_matches_from(line.split(' ')).unwrap();
        Cli::from_arg_matches(&matches).unwrap().global
    };
    for line in ["jeroboam --idempotency-key k bay list", "jeroboam bay list --idempotency-key k"] {
        assert_eq!(cli(line).idempotency_key.as_deref(), Some("k"), "{line}");
    }
    each(&mut |command, path| {
        if path != "jeroboam up" {
            let read = command.get_arguments().find(|argument| argument.get_env().is_some());
            assert!(read.is_none(), "{path}: the usage of an error would show {read:?} as if it had to be given");
        }
    });
}
