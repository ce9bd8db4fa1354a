//! openstacksdk, which `openstack` itself uses.

use std::path::Path;
use std::process::Command;

use jeroboam_tests::{Server, cache};

// Covers: R362.
#[test]
fn the_openstack_sdk_manages_templates_and_clusters() {
    let server = Server::simulated();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/sdk.py");
    let output = Command::new(cache().join("clients/openstack/bin/python"))
        .arg(script)
        .env("OS_CLIENT_CONFIG_FILE", server.data().join("clouds.yaml"))
        .env("OS_CLOUD", "jeroboam")
        .env("NO_PROXY", "*")
        .output()
        .expect("`scripts/install-tools clients` installs it");
    let said = [&output.stdout[..], &output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
