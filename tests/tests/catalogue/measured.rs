//! The measurements of the last run of the catalogue, a line per fault: `tests/catalogue/measured.tsv`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::fault::Fault;
use crate::trial::Measured;

const HEAD: &str = "fault\tseconds from the fault to its report\tseconds from its detection below to its report";

/// A row of the file, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seconds {
    pub(crate) since_struck: f32,
    pub(crate) since_known: f32,
}

fn path() -> PathBuf {
    crate::page::root().join("tests/catalogue/measured.tsv")
}

/// All rows, by key of the fault.
pub(crate) fn all() -> BTreeMap<String, Seconds> {
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [key, struck, known] = cells[..] else { panic!("not three cells: {line}") };
        let seconds = |cell: &str| cell.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        (key.to_owned(), Seconds { since_struck: seconds(struck), since_known: seconds(known) })
    };
    text.lines().skip(1).map(row).collect()
}

/// Stores the measurement of a fault, and replaces the previous one.
pub(crate) fn keep(fault: &Fault, measured: Measured) {
    let file = std::fs::File::open(path()).or_else(|_| std::fs::File::create_new(path())).unwrap();
    // Several tests may write it at the same time.
    file.lock().unwrap();
    let mut all = all();
    let seconds =
        Seconds { since_struck: measured.since_struck.as_secs_f32(), since_known: measured.since_known.as_secs_f32() };
    all.insert(fault.key(), seconds);
    let known: Vec<String> = crate::catalogue().iter().flat_map(|(_, faults)| faults).map(Fault::key).collect();
    all.retain(|key, _| known.contains(key));
    let rows = all.iter().map(|(key, one)| format!("{key}\t{:.2}\t{:.2}\n", one.since_struck, one.since_known));
    std::fs::write(path(), format!("{HEAD}\n{}", rows.collect::<String>())).unwrap();
}
