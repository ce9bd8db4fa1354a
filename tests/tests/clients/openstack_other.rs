//! The current `openstack coe`: certificates, credentials, quotas, stats, services, and its output of errors.

use insta::assert_snapshot;
use jeroboam_tests::{Server, Session, run};

// Covers: R358.
#[test]
fn the_openstack_client_gets_signs_and_rotates_certificates() {
    let server = Server::simulated();
    server.create("kubernetes", "one", 1);
    server.reach("one", "CREATE_COMPLETE");
    let mut user = Session::new(&server, "openstack", "jeroboam");
    let authority = user.ok(&["coe", "ca", "show", "one"]);
    let (key, request) = (server.scratch("key.pem"), server.scratch("request.pem"));
    let (key, request) = (key.to_str().unwrap(), request.to_str().unwrap());
    let subject = ["-subj", "/CN=admin/O=system:masters", "-newkey", "rsa:2048", "-nodes", "-sha256"];
    run("openssl", &[&["req", "-new", "-keyout", key, "-out", request], &subject[..]].concat(), &[]);
    let signed = user.ok(&["coe", "ca", "sign", "one", request]);
    let (ca, certificate) = (server.scratch("ca.pem"), server.scratch("certificate.pem"));
    std::fs::write(&ca, &authority).unwrap();
    std::fs::write(&certificate, &signed).unwrap();
    run("openssl", &["verify", "-CAfile", ca.to_str().unwrap(), certificate.to_str().unwrap()], &[]);
    user.ok(&["coe", "ca", "rotate", "one"]);
    server.settle("one", "UPDATE_COMPLETE");
    let rotated = user.ok(&["coe", "ca", "show", "one"]);
    assert_ne!(rotated, authority);
    user.run(&["coe", "credential", "rotate", "one"]);
    assert_snapshot!(user.transcript());
}

// Covers: R359.
#[test]
fn the_openstack_client_manages_quotas_and_reads_stats_and_services() {
    let server = Server::simulated();
    let mut user = Session::new(&server, "openstack", "jeroboam");
    let project = user.json(&["token", "issue"])["project_id"].as_str().unwrap().to_owned();
    let project = project.as_str();
    server.create("swarm", "one", 2);

    let mut admin = Session::new(&server, "openstack", "jeroboam-admin");
    let cluster = ["--project-id", project, "--resource", "Cluster"];
    admin.ok(&[&["coe", "quotas", "create"], &cluster[..], &["--hard-limit", "1"]].concat());
    admin.ok(&["coe", "quotas", "list", "--all-tenants"]);
    admin.ok(&[&["coe", "quotas", "show"], &cluster[..]].concat());
    admin.ok(&["coe", "stats", "list", project]);
    let service = admin.json(&["coe", "service", "list"]);
    assert_eq!(service[0]["binary"], "magnum-conductor", "{service}");
    assert_eq!(service[0]["state"], "up", "{service}");

    let mut user = Session::new(&server, "openstack", "jeroboam");
    user.refused(&["coe", "cluster", "create", "two", "--cluster-template", "swarm", "--node-count", "1"]);
    user.ok(&["coe", "stats", "list", project]);
    user.ok(&[&["coe", "quotas", "show"], &cluster[..]].concat());
    user.refused(&["coe", "quotas", "list"]);
    user.refused(&["coe", "service", "list"]);

    let mut admin = Session::new(&server, "openstack", "jeroboam-admin");
    admin.ok(&[&["coe", "quotas", "update"], &cluster[..], &["--hard-limit", "5"]].concat());
    admin.ok(&[&["coe", "quotas", "delete"], &cluster[..]].concat());
    admin.ok(&[&["coe", "quotas", "show"], &cluster[..]].concat());
    assert_snapshot!(format!("{}{}", user.transcript(), admin.transcript()));
}

// Covers: R360.
#[test]
fn the_openstack_client_prints_message_status_and_request_of_errors() {
    let server = Server::simulated();
    let mut user = Session::new(&server, "openstack", "jeroboam");
    let said = user.refused(&["coe", "cluster", "show", "nothing"]);
    assert!(said.contains("nothing could not be found. (HTTP 404) (Request-ID: req-"), "{said}");
    for count in ["0", "-1", "5000"] {
        let counted = format!("--master-count={count}");
        user.refused(&["coe", "cluster", "create", "one", "--cluster-template", "kubernetes", &counted]);
    }
    user.refused(&["coe", "cluster", "create", "1st", "--cluster-template", "kubernetes"]);
    user.refused(&["coe", "cluster", "create", "one", "--cluster-template", "nothing"]);
    user.refused(&["coe", "nodegroup", "list", "nothing"]);
    user.refused(&["coe", "ca", "show", "nothing"]);
    user.refused(&["coe", "stats", "list", "another-project"]);
    assert_snapshot!(user.transcript());
}
