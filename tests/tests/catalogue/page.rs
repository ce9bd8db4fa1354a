//! `docs/faults.md`, made of the catalogue and of what was measured. With `UPDATE_DOCS=1` it is written, otherwise it is
//! compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::fault::{Fault, Told, Where};
use crate::measured::{self, Seconds};

/// Within this a cause is to be visible once the layer below knows.
const TARGET: f32 = 2.0;
/// How many faults there are to be at least.
const LEAST: usize = 45;

const HEAD: &str = "# Fault catalogue

Everything below is broken on purpose by the tests of `tests/tests/catalogue`, on real clusters wherever that is possible. Each test asserts that its fault has struck, that it is told by this code, with who must act and whether it passes, and that the way out leads to a cluster that is well, or to nothing left of it. `make test` runs those marked with `*`, `make test-slow` all, and `make faults` writes this page anew. The codes are explained in [errors.md](errors.md).

*Told by*: **why** is `jeroboam bay why`, **operation** the cause of an operation (`jeroboam operation show`), **answer** the answer to a request with its status (from which follows who must act), **start** what a server says when it does not start, **deployment** `jeroboam deployment show`. *Told after*: the seconds from the fault (where an operation has to meet it: from when that was asked for) until its cause could be read; and those of them that passed after the layer below knew (a container that has ended, an agent that was not heard for three heartbeats, an engine that has lost a node). The target for the latter is 2 s.
";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether what is generated is to be written anew.
pub(crate) fn is_to_be_written() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some()
}

/// Whether two are the same but for what they are done to.
fn is_like(one: &Fault, other: &Fault) -> bool {
    (one.id, one.what, one.told) == (other.id, other.what, other.told)
}

/// Rows of one fault: it, on all that it strikes.
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
        writeln!(page, "| fault | on | what is done | code | who must act | passes | told by | told after | way out |")
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
    writeln!(page, "\n{count} faults. These may be told later than the target:\n").unwrap();
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

/// Writes the page as it is to be now.
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
            assert!(keys.insert(fault.key()), "{} is there twice", fault.key());
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
