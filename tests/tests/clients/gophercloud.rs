//! gophercloud, which Terraform uses: its acceptance tests, and a program for features that they cannot test here.

use std::process::{Child, Command, Stdio};

use jeroboam_tests::{Server, cache};

/// Acceptance tests that need neither Keystone nor a cluster with a fixed id.
const ACCEPTANCE: [&str; 3] = ["TestClusterTemplatesCRUD", "TestClustersCRUD", "TestNodeGroupsCRUD"];

/// Starts a program of `scripts/install-tools clients` as a cloud of clouds.yaml.
fn start(server: &Server, program: &str, cloud: &str, args: &[&str]) -> Child {
    let cloud = server.cloud(cloud);
    let auth = |key: &str| cloud["auth"][key].as_str().unwrap_or_default().to_owned();
    Command::new(cache().join("clients/gophercloud").join(program))
        .args(args)
        .env("OS_AUTH_URL", auth("auth_url"))
        .env("OS_USERNAME", auth("username"))
        .env("OS_PASSWORD", auth("password"))
        .env("OS_PROJECT_NAME", auth("project_name"))
        .env("OS_DOMAIN_NAME", auth("user_domain_name"))
        .env("OS_REGION_NAME", "RegionOne")
        // Settings of the acceptance tests, some of which are required but not used.
        .env("OS_IMAGE_ID", "debian-13")
        .env("OS_MAGNUM_IMAGE_ID", "debian-13")
        .env("OS_MAGNUM_KEYPAIR", "k")
        .env("OS_FLAVOR_ID", "m1.small")
        .env("OS_FLAVOR_ID_RESIZE", "m1.medium")
        .env("OS_EXTGW_ID", "public")
        .env("OS_POOL_NAME", "public")
        .env("NO_PROXY", "*")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`scripts/install-tools clients` installs it")
}

/// Waits for a program that must succeed; returns its output.
fn finish(server: &Server, program: Child) -> String {
    let output = program.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}\nserver: {}", server.log_tail());
    said
}

// Covers: R364.
#[test]
fn gophercloud_passes_its_own_acceptance_tests_of_templates_clusters_and_node_groups() {
    // One of the tests creates a template with an invented label.
    let server = Server::with(&["--infrastructure", "simulated", "--label-rules", "any"]);
    // In parallel, because each polls once a second.
    let running = ACCEPTANCE.map(|test| {
        let only = format!("^{test}$");
        (test, start(&server, "acceptance", "jeroboam", &["-test.v", "-test.timeout", "120s", "-test.run", &only]))
    });
    for (test, program) in running {
        let said = finish(&server, program);
        assert!(said.contains(&format!("--- PASS: {test} ")), "{said}");
    }
    assert_eq!(server.json(&["cluster", "list"]).as_array().map(Vec::len), Some(0));
}

// Covers: R364.
#[test]
fn gophercloud_has_certificates_signed_and_makes_quotas() {
    let server = Server::simulated();
    server.create("kubernetes", "one", 1);
    let cluster = server.json(&["cluster", "show", "one"]);
    let id = |key: &str| cluster[key].as_str().unwrap().to_owned();
    finish(&server, start(&server, "program", "jeroboam", &["certificates", &id("uuid")]));
    finish(&server, start(&server, "program", "jeroboam-admin", &["quotas", &id("project_id")]));
}
