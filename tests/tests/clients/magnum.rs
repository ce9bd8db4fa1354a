//! Version 4.0 of `magnum`, one of its last releases.

use insta::assert_snapshot;
use jeroboam_tests::{Server, Session};

#[test]
fn the_last_magnum_program_manages_clusters() {
    let server = Server::simulated();
    let mut user = Session::new(&server, "magnum-4.0", "jeroboam");
    // This client sends a storage driver that requires a volume.
    let needed = ["--coe", "kubernetes", "--image", "debian-13", "--external-network", "public"];
    let options = ["--docker-volume-size", "5", "--labels", "min_node_count=1", "--keypair", "k"];
    user.ok(&[&["cluster-template-create", "kind"], &needed[..], &options].concat());
    user.ok(&["cluster-template-list"]);
    user.ok(&["cluster-template-update", "kind", "replace", "tags=blue"]);
    user.ok(&["cluster-template-update", "kind", "add", "labels/max_node_count=4"]);
    user.ok(&["cluster-template-show", "kind"]);
    user.ok(&["cluster-create", "one", "--cluster-template", "kind", "--node-count", "1"]);
    server.reach("one", "CREATE_COMPLETE");
    user.ok(&["cluster-list"]);
    user.ok(&["cluster-update", "one", "replace", "node_count=2"]);
    server.reach("one", "UPDATE_COMPLETE");
    user.ok(&["cluster-list", "--fields", "status,create_timeout"]);
    user.ok(&["ca-show", "one"]);
    let folder = server.scratch("");
    user.ok(&["cluster-config", "one", "--dir", folder.to_str().unwrap()]);
    let config = std::fs::read_to_string(server.scratch("config")).unwrap();
    // This version writes the certificate files, but does not refer to them in its configuration.
    assert!(config.contains("server: https://"), "{config}");
    for file in ["ca.pem", "cert.pem", "key.pem"] {
        assert!(std::fs::read_to_string(server.scratch(file)).unwrap().starts_with("-----BEGIN "), "{file}");
    }
    user.ok(&["stats-list"]);
    let answer = user.run(&["cluster-show", "nothing"]);
    assert!(answer.code == 1 && answer.err.contains("could not be found"), "{answer:?}");
    user.ok(&["cluster-delete", "one"]);
    server.gone("one");
    user.ok(&["cluster-template-delete", "kind"]);
    assert_snapshot!(user.transcript());

    let mut admin = Session::new(&server, "magnum-4.0", "jeroboam-admin");
    assert!(admin.ok(&["service-list"]).contains("magnum-conductor"));
    admin.ok(&["quotas-list", "--all-tenants"]);
}
