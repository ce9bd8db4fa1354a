//! `magnum` of 2016, with bays and baymodels: version 2.1 sends no microversion, 2.11 does.

use insta::assert_snapshot;
use jeroboam_tests::{Server, Session, run};

/// Required options of every baymodel.
const NEEDED: [&str; 8] =
    ["--image-id", "debian-13", "--keypair-id", "k", "--external-network-id", "public", "--coe", "kubernetes"];

// Covers: W013, W026, W028, W029, W032, W036, W038, W041, W043, W069.
#[test]
fn the_magnum_program_of_2016_manages_baymodels() {
    let server = Server::simulated();
    let mut user = Session::new(&server, "magnum-2.1", "jeroboam");
    let labels = ["--labels", "min_node_count=1,max_node_count=5"];
    user.ok(&[&["baymodel-create", "--name", "plain"], &NEEDED[..], &labels].concat());
    let options = [
        ["--network-driver", "flannel"],
        ["--dns-nameserver", "8.8.4.4"],
        ["--flavor-id", "m1.small"],
        ["--master-flavor-id", "m1.medium"],
        ["--docker-volume-size", "10"],
        ["--http-proxy", "http://proxy:3128"],
        ["--https-proxy", "http://proxy:3129"],
        ["--no-proxy", "10.0.0.0/8"],
        ["--labels", "max_node_count=5"],
        ["--labels", "flannel_backend=vxlan"],
    ];
    let name = ["baymodel-create", "--name", "full", "--registry-enabled"];
    user.ok(&[&name[..], &NEEDED, &options.concat()].concat());
    user.ok(&["baymodel-list", "--sort-key", "name"]);
    let shown = user.ok(&["baymodel-show", "full"]);
    for value in ["8.8.4.4", "m1.small", "m1.medium", "http://proxy:3129", "10.0.0.0/8", "vxlan"] {
        assert!(shown.contains(value), "{value}: {shown}");
    }
    user.ok(&["baymodel-update", "full", "replace", "name=other", "docker_volume_size=20"]);
    let shown = user.ok(&["baymodel-show", "other"]);
    let row = shown.lines().find(|line| line.starts_with("| uuid")).unwrap();
    let uuid = row.split('|').nth(2).unwrap().trim().to_owned();
    user.ok(&["baymodel-update", &uuid, "remove", "labels/max_node_count", "http_proxy"]);
    user.ok(&["baymodel-show", &uuid]);
    user.ok(&["baymodel-delete", "plain", "other"]);
    user.refused(&["baymodel-show", "plain"]);

    // Engines and their network drivers: the defaults, and invalid combinations.
    let of = |coe: &'static str| {
        [
            "baymodel-create",
            "--name",
            coe,
            "--image-id",
            "debian-13",
            "--keypair-id",
            "k",
            "--external-network-id",
            "public",
            "--coe",
            coe,
        ]
    };
    let made = user.ok(&of("swarm"));
    assert!(made.contains("| network_driver        | docker "), "{made}");
    let made = user.ok(&of("kubernetes"));
    assert!(made.contains("| network_driver        | flannel "), "{made}");
    for (coe, driver) in [("kubernetes", "libnetwork"), ("kubernetes", "docker"), ("swarm", "libnetwork")] {
        let said = user.refused(&[&of(coe)[..], &["--network-driver", driver]].concat());
        assert!(said.contains("network_driver: must be ") && said.contains("HTTP 400"), "{said}");
    }
    let said = user.refused(&of("mesos"));
    assert!(said.contains("coe: ") && said.contains("HTTP 400"), "{said}");
    assert_snapshot!(user.transcript());
}

// Covers: R361, W007, W008, W013, W042, W044, W049, W051, W054, W055, W056, W058.
#[test]
fn the_magnum_program_of_2016_manages_bays() {
    let server = Server::simulated();
    let mut user = Session::new(&server, "magnum-2.1", "jeroboam");
    user.ok(&[&["baymodel-create", "--name", "kind"], &NEEDED[..]].concat());
    let created = user.ok(&["bay-create", "--name", "one", "--baymodel", "kind", "--node-count", "1"]);
    assert!(created.contains("CREATE_IN_PROGRESS"), "{created}");
    let busy = user.refused(&["bay-update", "one", "replace", "node_count=2"]);
    // The whole message, in the error format of 2015. Of later formats this program prints only the first sentence.
    assert!(busy.contains("CREATE_IN_PROGRESS") && busy.contains("HTTP 400") && busy.contains(". Wait "), "{busy}");
    server.reach("one", "CREATE_COMPLETE");

    let mut user = Session::new(&server, "magnum-2.1", "jeroboam");
    user.ok(&["bay-list"]);
    user.ok(&["bay-show", "one"]);
    user.ok(&["bay-show", &server.uuid_of("one")]);
    user.ok(&["bay-update", "one", "replace", "node_count=3"]);
    server.reach("one", "UPDATE_COMPLETE");
    user.ok(&["bay-list", "--limit", "1", "--sort-key", "name", "--sort-dir", "desc"]);
    let other = user.refused(&["bay-update", "one", "replace", "name=two"]);
    assert!(other.contains("name: ") && other.contains("HTTP 400"), "{other}");
    let (key, request) = (server.scratch("key.pem"), server.scratch("request.pem"));
    let (key, request) = (key.to_str().unwrap(), request.to_str().unwrap());
    let subject = ["-subj", "/CN=someone", "-newkey", "rsa:2048", "-nodes"];
    run("openssl", &[&["req", "-new", "-keyout", key, "-out", request], &subject[..]].concat(), &[]);
    user.ok(&["ca-show", "--bay", "one"]);
    user.ok(&["ca-sign", "--bay", "one", "--csr", request]);
    user.ok(&["container-list"]);
    // This program prints why a delete was rejected, but exits with 0.
    let answer = user.run(&["baymodel-delete", "kind"]);
    assert!(format!("{answer:?}").contains("HTTP 400"), "{answer:?}");
    user.ok(&["bay-delete", "one"]);
    server.gone("one");
    let answer = user.run(&["bay-delete", "one"]);
    assert!(format!("{answer:?}").contains("HTTP 404"), "{answer:?}");
    user.ok(&["bay-list"]);
    user.ok(&["baymodel-delete", "kind"]);
    user.refused(&["bay-create", "--name", "one", "--baymodel", "kind"]);
    assert_snapshot!(user.transcript());

    let mut admin = Session::new(&server, "magnum-2.1", "jeroboam-admin");
    let services = admin.ok(&["service-list"]);
    assert!(services.contains("magnum-conductor") && services.contains("up"), "{services}");
}

// Covers: R361.
#[test]
fn the_magnum_program_of_2018_manages_bays_at_microversion_1_10() {
    let server = Server::simulated();
    let mut user = Session::new(&server, "magnum-2.11", "jeroboam");
    let mut at = |args: &[&str]| user.ok(&[&["--magnum-api-version", "1.10"], args].concat());
    at(&[&["baymodel-create", "--name", "kind"], &NEEDED[..], &["--docker-volume-size", "5"]].concat());
    at(&["bay-create", "--name", "one", "--baymodel", "kind", "--node-count", "1"]);
    server.reach("one", "CREATE_COMPLETE");
    at(&["bay-list"]);
    at(&["bay-show", "one"]);
    at(&["bay-update", "one", "replace", "node_count=2"]);
    server.reach("one", "UPDATE_COMPLETE");
    let folder = server.scratch("");
    at(&["bay-config", "one", "--dir", folder.to_str().unwrap()]);
    at(&["bay-delete", "one"]);
    server.gone("one");
    at(&["baymodel-list"]);
    assert_snapshot!(user.transcript());
}
