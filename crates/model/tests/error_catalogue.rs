//! `docs/errors.md` lists the codes that the code has, no more and no fewer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What stands before a code in the sources.
const MARKS: [&str; 4] = ["passing(", "operator(", "user(", ": &str = "];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Tests make up codes, and the simulated cloud is not an operator's.
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "simulated.rs" {
            found.push(path);
        }
    }
}

fn is_code(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') || text == "cancelled"
}

fn codes_in(source: &str, marks: &[&str]) -> BTreeSet<String> {
    // Tests at the end of a file make up codes too.
    let source = source.split("#[cfg(test)]").next().unwrap();
    let mut codes = BTreeSet::new();
    for mark in marks {
        for rest in source.split(mark).skip(1) {
            if let Some(literal) = rest.trim_start().strip_prefix('"')
                && let Some(code) = literal.split('"').next()
                && is_code(code)
            {
                codes.insert(code.to_owned());
            }
        }
    }
    codes
}

#[test]
fn the_catalogue_of_errors_is_complete_and_true() {
    let mut in_code = BTreeSet::new();
    for krate in ["conductor", "engine", "infra", "model", "node", "store"] {
        let mut files = Vec::new();
        sources(&root().join("crates").join(krate).join("src"), &mut files);
        for file in files {
            // The agent's codes are constants in one file.
            let marks = if file.ends_with("node/src/fault.rs") { &MARKS[..] } else { &MARKS[..3] };
            in_code.extend(codes_in(&std::fs::read_to_string(&file).unwrap(), marks));
        }
    }
    let page = std::fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let in_docs: BTreeSet<String> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(ToOwned::to_owned)).collect();
    let undocumented: Vec<_> = in_code.difference(&in_docs).collect();
    let unknown: Vec<_> = in_docs.difference(&in_code).collect();
    assert!(
        undocumented.is_empty() && unknown.is_empty(),
        "not documented: {undocumented:?}; not in the code: {unknown:?}"
    );
}
