//! The Ansible modules for templates and clusters of the collection `openstack.cloud`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use jeroboam_tests::{Server, cache};

/// Runs a playbook of `tests/clients`; returns its output.
fn play(server: &Server, book: &str) -> String {
    // Replaces the configuration of the machine and the user.
    let settings = server.scratch("ansible.cfg");
    std::fs::write(&settings, "").unwrap();
    let output = Command::new(cache().join("clients/ansible/bin/ansible-playbook"))
        .args(["-i", "localhost,"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(book))
        .env("ANSIBLE_CONFIG", settings)
        .env("HOME", server.scratch(""))
        .env("LC_ALL", "C.UTF-8")
        .env("OS_CLIENT_CONFIG_FILE", server.data().join("clouds.yaml"))
        .env("OS_CLOUD", "jeroboam")
        .env("NO_PROXY", "*")
        .stdin(Stdio::null())
        .output()
        .expect("`scripts/install-tools clients` installs it");
    let said = String::from_utf8_lossy(&output.stdout).replace(&server.url(), "http://server");
    assert!(output.status.success(), "{book}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
    let mut transcript = format!("$ ansible-playbook {book}\n");
    for line in said.trim().lines() {
        writeln!(transcript, "{}", line.trim_end()).unwrap();
    }
    transcript + "\n"
}

// Covers: R363.
#[test]
fn ansible_makes_and_removes_templates_and_clusters_and_changes_nothing_the_second_time() {
    let server = Server::simulated();
    let mut transcript = play(&server, "ansible-present.yml");
    server.settle("one", "CREATE_COMPLETE");
    transcript += &play(&server, "ansible-present.yml");
    assert_eq!(server.newest_operation("one")["kind"], "create");
    transcript += &play(&server, "ansible-absent.yml");
    assert_eq!(server.json(&["cluster", "list"]).as_array().map(Vec::len), Some(0));
    transcript += &play(&server, "ansible-absent.yml");
    assert_snapshot!(transcript);
}
