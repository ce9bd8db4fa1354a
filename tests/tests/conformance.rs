//! A few upstream conformance tests of Kubernetes, one per special interest group. `make conformance` runs all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use jeroboam_tests::{Server, containers_of, run};

#[test]
fn one_conformance_test_of_each_group_passes() {
    let server = Server::start();
    server.create("kubernetes", "k8s", 2);
    let dir = server.scratch("config");
    server.ok(&["bay", "config", "k8s", "--dir", dir.to_str().unwrap()]);
    let (script, config) = (
        Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/on-cluster"),
        dir.join("config").display().to_string(),
    );
    let nodes = containers_of(&server.uuid_of("k8s"));
    let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
    let said = run(script.to_str().unwrap(), &[&[config.as_str(), "--quick"], &nodes[..]].concat(), &[]);
    let wanted = include_str!("../conformance/quick.txt").lines().filter(|line| line.starts_with("[sig-"));
    for name in wanted {
        assert!(said.lines().any(|line| line.contains("passed") && line.contains(name)), "{name}: {said}");
    }
}
