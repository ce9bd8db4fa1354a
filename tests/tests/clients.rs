//! Unmodified OpenStack clients against the embedded identity.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use jeroboam_tests::{Server, cache};

#[test]
fn the_openstack_client_logs_in_and_lists_clusters_and_templates() {
    let server = Server::start();
    // Where `scripts/install-tools clients` has put python-openstackclient and python-magnumclient.
    let program = cache().join("clients/openstack/bin/openstack");
    let openstack = |args: &[&str]| {
        let output = Command::new(&program)
            .args(["--os-cloud", "jeroboam"])
            .args(args)
            .env("OS_CLIENT_CONFIG_FILE", server.data().join("clouds.yaml"))
            .output()
            .expect("`make test` installs the OpenStack client");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{args:?}: {out}{err}");
        out.into_owned()
    };
    assert!(openstack(&["token", "issue", "-f", "value", "-c", "project_id"]).trim().len() > 8);
    assert!(openstack(&["catalog", "list"]).contains("container-infra"));
    let templates = openstack(&["coe", "cluster", "template", "list", "-f", "value", "-c", "name"]);
    assert!(templates.contains("kubernetes") && templates.contains("swarm"), "{templates}");
    assert_eq!(openstack(&["coe", "cluster", "list", "-f", "value"]).trim(), "");
    let shown = openstack(&["coe", "cluster", "template", "show", "kubernetes"]);
    assert!(shown.contains("debian-12"), "{shown}");

    openstack(&["coe", "cluster", "create", "os", "--cluster-template", "swarm", "--node-count", "1"]);
    let listed = openstack(&["coe", "cluster", "list", "-f", "value", "-c", "name", "-c", "status"]);
    assert!(listed.contains("os CREATE_"), "{listed}");
    openstack(&["coe", "cluster", "delete", "os"]);
    // `openstack` does not wait: watch the rest.
    let watched = server.cli(&["bay", "delete", "os", "--watch"]);
    assert!(watched.code == 0 || watched.code == 3, "{watched:?}");
}
