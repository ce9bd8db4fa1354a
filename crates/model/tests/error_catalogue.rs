//! `docs/errors.md` lists exactly the existing codes, and each of them is used.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jeroboam_model::Code;
use strum::IntoEnumIterator as _;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The text of all sources in a folder, without tests and the simulated cloud, which operators do not run.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            text.push_str(&sources(&path));
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "simulated.rs" {
            let source = std::fs::read_to_string(&path).unwrap();
            text.push_str(source.split("#[cfg(test)]").next().unwrap());
        }
    }
    text
}

#[test]
fn every_code_is_documented_and_nothing_else() {
    let page = std::fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let causes = page.split("\n## Answers of the API\n").next().unwrap();
    let in_docs: BTreeSet<String> =
        causes.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(ToOwned::to_owned)).collect();
    let codes: BTreeSet<String> = Code::iter().map(|code| code.to_string()).collect();
    assert_eq!(in_docs, codes);
}

#[test]
fn every_code_is_given_by_something() {
    let crates = ["conductor", "engine", "infra", "model", "node", "store"];
    let text: String = crates.map(|krate| sources(&root().join("crates").join(krate).join("src"))).concat();
    let given: BTreeSet<&str> = text
        .split("Code::")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next())
        .collect();
    let missing: Vec<Code> = Code::iter().filter(|code| !given.contains(format!("{code:?}").as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
