//! `docs/compatibility.md`: every row of the checklists with the tests that prove it, or the reason why there are none.
//!
//! The checklists are in `tests/checklists`. A test names the rows that it proves in a line directly above its
//! attribute: `// Covers: R012, W005.` With `UPDATE_DOCS=1` the page is written, otherwise it is compared.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// File and title of each checklist, and its last row that must be proven or have a reason.
const CHECKLISTS: [(&str, &str, &str); 2] = [
    ("magnum-v1", "Magnum's API v1, microversions 1.1 to 1.14, bays and baymodels", "R370"),
    ("workloads-2015", "Bays, nodes, pods, services, replication controllers and containers of 2015", "W076"),
];

/// The reason of open rows; it must be removed once a test proves the row.
const OPEN: &str = "not yet proven";

/// Folders of sources with tests.
const SOURCES: [&str; 3] = ["bench", "crates", "tests"];

const MARK: &str = "// Covers: ";

struct Row {
    number: String,
    subject: String,
    what: String,
    reason: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn checklist(name: &str) -> Vec<Row> {
    let path = root().join(format!("tests/checklists/{name}.tsv"));
    let text = std::fs::read_to_string(&path).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [number, subject, what, reason] = cells[..] else { panic!("{name}: not four cells: {line}") };
        assert!(line.is_ascii(), "{name}: not ASCII: {line}");
        let owned = |cell: &str| cell.to_owned();
        Row { number: owned(number), subject: owned(subject), what: owned(what), reason: owned(reason) }
    });
    let rows: Vec<Row> = rows.collect();
    let numbers: Vec<&str> = rows.iter().map(|row| row.number.as_str()).collect();
    let letter = &numbers[0][..1];
    let expected: Vec<String> = (1..=rows.len()).map(|number| format!("{letter}{number:03}")).collect();
    assert_eq!(numbers, expected, "{name}: rows are missing or out of order");
    rows
}

/// The rows that a line claims; `None` if it is not such a line.
fn claimed(line: &str) -> Option<Result<Vec<String>, String>> {
    let list = line.trim().strip_prefix(MARK)?;
    let is_row = |row: &str| {
        let digits = row.strip_prefix(['R', 'W']).unwrap_or_default();
        digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit())
    };
    let Some(list) = list.strip_suffix('.') else { return Some(Err("must end with a full stop".to_owned())) };
    let rows: Vec<String> = list.split(", ").map(ToOwned::to_owned).collect();
    Some(match rows.iter().find(|row| !is_row(row)) {
        Some(row) => Err(format!("'{row}' is not a row")),
        None => Ok(rows),
    })
}

/// Adds the claims of the tests in a file of the crate `krate`.
fn scan(krate: &str, path: &Path, proven: &mut BTreeMap<String, Vec<String>>) {
    let source = std::fs::read_to_string(path).unwrap();
    let mut rows = Vec::new();
    let mut is_test = false;
    for (number, line) in source.lines().map(str::trim).enumerate() {
        let at = || format!("{}:{}", path.display(), number + 1);
        if let Some(claim) = claimed(line) {
            rows.extend(claim.unwrap_or_else(|problem| panic!("{}: {problem}", at())));
        } else if rows.is_empty() || line.starts_with("//") {
            // No claim here, or another comment above the attribute.
        } else if line.starts_with("#[") {
            is_test |= line.contains("test");
        } else {
            let name = line.split_once("fn ").and_then(|(_, rest)| rest.split(['(', '<']).next());
            let name = name.filter(|_| is_test).unwrap_or_else(|| panic!("{}: '{MARK}' is not above a test", at()));
            for row in std::mem::take(&mut rows) {
                let tests = proven.entry(row).or_default();
                let name = format!("{krate}::{name}");
                if !tests.contains(&name) {
                    tests.push(name);
                }
            }
            is_test = false;
        }
    }
    assert!(rows.is_empty(), "{}: '{MARK}' at the end of the file", path.display());
}

fn walk(krate: &str, folder: &Path, proven: &mut BTreeMap<String, Vec<String>>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(krate, &path, proven);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            scan(krate, &path, proven);
        }
    }
}

/// The tests that prove each row.
fn proofs() -> BTreeMap<String, Vec<String>> {
    let mut proven = BTreeMap::new();
    for name in SOURCES {
        let folder = root().join(name);
        if name != "crates" {
            walk(name, &folder, &mut proven);
            continue;
        }
        let mut crates: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        crates.sort();
        for path in crates {
            walk(&path.file_name().unwrap().to_string_lossy(), &path, &mut proven);
        }
    }
    proven
}

fn page(checklists: &[(&str, Vec<Row>)], proven: &BTreeMap<String, Vec<String>>) -> String {
    let mut page = String::from(
        "# Compatibility\n\n\
        All rows of the two compatibility checklists, each with the tests that prove it or the reason why there are \
        none. The rows come from `tests/checklists`; the tests name the rows that they prove, and a test keeps this \
        page up to date. `api::name` is the test `name` of the crate `jeroboam-api`, `tests::name` runs \
        against a real server.\n",
    );
    for (about, rows) in checklists {
        let count = rows.iter().filter(|row| proven.contains_key(&row.number)).count();
        writeln!(page, "\n## {about}\n\n{count} of {} rows are proven by tests.", rows.len()).unwrap();
        let mut subject = "";
        for row in rows {
            if row.subject != subject {
                subject = &row.subject;
                writeln!(page, "\n### {subject}\n\n| row | what | proven by |\n|---|---|---|").unwrap();
            }
            let tests = proven.get(&row.number).map(|tests| {
                let tests: Vec<String> = tests.iter().map(|test| format!("`{test}`")).collect();
                tests.join(", ")
            });
            let reason = Some(row.reason.clone()).filter(|reason| !reason.is_empty());
            let proof: Vec<String> = tests.into_iter().chain(reason).collect();
            let what = row.what.replace('|', "\\|").replace('<', "\\<");
            writeln!(page, "| {} | {what} | {} |", row.number, proof.join("; ").replace('|', "\\|")).unwrap();
        }
    }
    page
}

#[test]
fn every_row_of_the_checklists_has_a_test_or_a_reason() {
    let proven = proofs();
    let checklists: Vec<(&str, Vec<Row>)> =
        CHECKLISTS.iter().map(|(name, about, _)| (*about, checklist(name))).collect();
    let mut wrong = Vec::new();
    for row in proven.keys() {
        if !checklists.iter().any(|(_, rows)| rows.iter().any(|known| known.number == *row)) {
            wrong.push(format!("{row}: {} claims it, but no checklist has it", proven[row].join(", ")));
        }
    }
    for ((_, rows), (_, _, last)) in checklists.iter().zip(CHECKLISTS) {
        for row in rows {
            match (proven.contains_key(&row.number), row.reason.as_str()) {
                (false, "") if row.number.as_str() <= last => {
                    wrong.push(format!("{}: neither a test nor a reason", row.number));
                }
                (true, OPEN) => wrong.push(format!("{}: is proven; remove '{OPEN}' from its checklist", row.number)),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let path = root().join("docs/compatibility.md");
    let expected = page(&checklists, &proven);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(checked_in == expected, "docs/compatibility.md is out of date: run this test with UPDATE_DOCS=1");
}

#[test]
fn claims_are_read_exactly() {
    assert_eq!(claimed("    // Covers: R001, W075.").unwrap().unwrap(), ["R001", "W075"]);
    assert!(claimed("// covers nothing").is_none());
    for wrong in ["// Covers: R001", "// Covers: R1.", "// Covers: R001 W002.", "// Covers: X001.", "// Covers: ."] {
        assert!(claimed(wrong).unwrap().is_err(), "{wrong}");
    }
}
