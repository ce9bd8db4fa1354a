//! `docs/faults.md`, generated from the catalogue and the measurements. With `UPDATE_DOCS=1` it is written, otherwise
//! it is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::fault::{Fault, Told, Where};
use crate::measured::{self, Seconds};

/// Seconds within which a cause must be reported once it is detectable below.
const TARGET: f32 = 2.0;
/// The minimum number of faults.
const LEAST: usize = 45;

const HEAD: &str = "# Fault catalogue

The tests of `tests/tests/catalogue` inject these faults, on real clusters wherever that is possible. Each test asserts that its fault took effect, that it is reported with this code, who must act and whether it is retryable, and that after the recovery the cluster is healthy, or nothing of it is left. `make test` runs those marked with `*`, `make test-slow` all, and `make faults` regenerates this page. The codes are explained in [errors.md](errors.md).

*Reported by*: **why** is `jeroboam bay why`, **operation** the cause of an operation (`jeroboam operation show`), **answer** the response to a request with its status (which determines who must act), **start** the error message of a server that does not start, **deployment** `jeroboam deployment show`. *After*: the seconds from the fault (or from the request for the operation that meets it) until its cause could be read; and how many of them passed after it was detectable below (a stopped container, an agent that missed three heartbeats, a node that the engine reports as lost). The target for the latter is 2 s.
";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether generated files must be rewritten.
pub(crate) fn is_to_be_written() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some()
}

/// Whether two faults differ only in where they are injected.
fn is_like(one: &Fault, other: &Fault) -> bool {
    (one.id, one.what, one.told) == (other.id, other.what, other.told)
}

/// Groups faults into rows: a fault with all engines that it is injected into.
fn by_id(faults: &[Fault]) -> Vec<(&'static str, Vec<&Fault>)> {
    let mut rows: Vec<(&'static str, Vec<&Fault>)> = Vec::new();
    for fault in faults {
        match rows.iter_mut().find(|(_, same)| is_like(same[0], fault)) {
            Some((_, same)) => same.push(fault),
            None => rows.push((fault.id, vec![fault])),
        }
    }
    rows
}

fn page(measured: &BTreeMap<String, Seconds>) -> String {
    let mut page = HEAD.to_owned();
    let (mut late, mut count) = (BTreeSet::new(), 0);
    for (title, faults) in crate::catalogue() {
        writeln!(page, "\n## {title}").unwrap();
        writeln!(page, "| fault | on | injection | code | who must act | retryable | reported by | after | recovery |")
            .unwrap();
        writeln!(page, "|---|---|---|---|---|---|---|---|---|").unwrap();
        for (id, same) in by_id(&faults) {
            count += 1;
            let fault = same[0];
            late.extend(same.iter().filter_map(|fault| fault.late.map(|why| format!("- `{}`: {why}.", fault.id))));
            let on: Vec<&str> = same.iter().map(|fault| fault.on.name()).collect();
            let times: Vec<String> = same.iter().map(|fault| times(measured.get(&fault.key()))).collect();
            let mark = if same.iter().any(|fault| fault.quick) { " *" } else { "" };
            let Told { code, who, passes, by } = fault.told;
            writeln!(
                page,
                "| {id}{mark} | {} | {} | {} | {} | {} | {} | {} | {} |",
                on.join(", "),
                fault.what,
                if by == Where::Start { format!("\"{code}\"") } else { format!("`{code}`") },
                who.replace('_', " "),
                if passes { "yes" } else { "no" },
                told_by(by),
                times.join("; "),
                fault.way_out
            )
            .unwrap();
        }
    }
    writeln!(page, "\n{count} faults. These may be reported later than the target:\n").unwrap();
    late.iter().for_each(|line| writeln!(page, "{line}").unwrap());
    page
}

fn times(seconds: Option<&Seconds>) -> String {
    seconds.map_or("not measured".to_owned(), |one| format!("{:.1} s, {:.1} s", one.since_struck, one.since_known))
}

fn told_by(by: Where) -> String {
    match by {
        Where::Why => "why".to_owned(),
        Where::Operation => "operation".to_owned(),
        Where::Answer(status) => format!("answer {status}"),
        Where::Start => "start".to_owned(),
        Where::Deployment => "deployment".to_owned(),
    }
}

/// Writes the current page.
pub(crate) fn write() {
    std::fs::write(root().join("docs/faults.md"), page(&measured::all())).unwrap();
}

#[test]
fn the_page_of_faults_is_what_the_catalogue_and_the_measurements_say() {
    if is_to_be_written() {
        return write();
    }
    let there = std::fs::read_to_string(root().join("docs/faults.md")).unwrap();
    assert!(there == page(&measured::all()), "docs/faults.md is out of date: run this test with UPDATE_DOCS=1");
}

#[test]
fn every_fault_was_measured_and_is_told_in_time_or_says_why_not() {
    let measured = measured::all();
    for fault in crate::catalogue().iter().flat_map(|(_, faults)| faults) {
        let key = fault.key();
        let seconds = measured.get(&key).unwrap_or_else(|| panic!("{key} was not measured: `make faults`"));
        assert!(seconds.since_known <= TARGET || fault.late.is_some(), "{key}: {seconds:?}");
    }
}

#[test]
fn there_are_enough_faults_and_each_has_one_name() {
    let (mut ids, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for (title, faults) in crate::catalogue() {
        for fault in faults {
            assert!(
                fault.id.bytes().all(|b| b == b'-' || b.is_ascii_lowercase() || b.is_ascii_digit()),
                "{}",
                fault.id
            );
            assert!(keys.insert(fault.key()), "{} exists twice", fault.key());
            ids.insert((title, fault.id));
        }
    }
    assert!(ids.len() >= LEAST, "{} only", ids.len());
}

#[test]
fn codes_of_causes_are_those_of_the_page_of_errors() {
    let errors = std::fs::read_to_string(root().join("docs/errors.md")).unwrap();
    for fault in crate::catalogue().iter().flat_map(|(_, faults)| faults) {
        if matches!(fault.told.by, Where::Why | Where::Operation | Where::Deployment) {
            assert!(errors.contains(&format!("| `{}` |", fault.told.code)), "{}", fault.key());
        }
    }
}
