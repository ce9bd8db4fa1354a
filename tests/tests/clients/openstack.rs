//! The current `openstack coe`: cluster templates, clusters, node groups.

use insta::assert_snapshot;
use jeroboam_tests::{Server, Session};

const TEMPLATE: [&str; 4] = ["coe", "cluster", "template", "create"];

/// Required options of every template.
const NEEDED: [&str; 6] = ["--coe", "kubernetes", "--image", "debian-13", "--external-network", "public"];

/// Attributes of a cluster that are the same in every run.
const STABLE: [&str; 13] = [
    "name",
    "status",
    "cluster_template_id",
    "node_addresses",
    "api_address",
    "node_count",
    "master_count",
    "coe_version",
    "labels",
    "keypair",
    "flavor_id",
    "create_timeout",
    "status_reason",
];

/// The options that select these columns.
fn columns<'a>(names: &[&'a str]) -> Vec<&'a str> {
    names.iter().flat_map(|name| ["-c", *name]).collect()
}

#[test]
fn the_openstack_client_finds_the_service_in_the_catalogue() {
    let server = Server::simulated();
    let mut user = Session::new(&server, "openstack", "jeroboam");
    assert!(user.ok(&["token", "issue", "-f", "value", "-c", "project_id"]).trim().len() > 8);
    assert!(user.ok(&["catalog", "list"]).contains("container-infra"));
    assert!(user.ok(&["catalog", "show", "container-infra"]).contains(&server.url()));
}

// Covers: R354.
#[test]
fn the_openstack_client_manages_cluster_templates() {
    let server = Server::simulated();
    let mut user = Session::new(&server, "openstack", "jeroboam");
    user.ok(&[&TEMPLATE[..], &["plain"], &NEEDED].concat());
    let options = [
        ["--keypair", "k"],
        ["--dns-nameserver", "8.8.4.4"],
        ["--flavor", "m1.small"],
        ["--master-flavor", "m1.medium"],
        ["--docker-volume-size", "10"],
        ["--docker-storage-driver", "overlay2"],
        ["--http-proxy", "http://proxy:3128"],
        ["--https-proxy", "http://proxy:3129"],
        ["--no-proxy", "10.0.0.0/8"],
        ["--insecure-registry", "registry:5000"],
        ["--network-driver", "flannel"],
        ["--labels", "min_node_count=1,max_node_count=5"],
        ["--server-type", "vm"],
        ["--tags", "blue,green"],
        ["--driver", "simulated"],
    ];
    let flags = ["--registry-enabled", "--floating-ip-disabled", "--master-lb-enabled"];
    user.ok(&[&TEMPLATE[..], &["full"], &NEEDED, &options.concat(), &flags].concat());
    user.ok(&["coe", "cluster", "template", "list"]);
    user.ok(&["coe", "cluster", "template", "list", "--limit", "1", "--sort-key", "name", "--sort-dir", "desc"]);
    user.ok(&["coe", "cluster", "template", "show", "full"]);
    let change = ["--name", "other", "--label", "max_node_count=6", "--no-label", "min_node_count", "--tls-disabled"];
    user.ok(&[&["coe", "cluster", "template", "update", "full"], &change[..]].concat());
    user.ok(&["coe", "cluster", "template", "update", "other", "--tag", "red", "--keypair", "other"]);
    user.refused(&["coe", "cluster", "template", "update", "other", "--public"]);
    user.ok(&["coe", "cluster", "template", "delete", "plain", "other"]);
    user.refused(&["coe", "cluster", "template", "show", "plain"]);
    assert_snapshot!(user.transcript());
}

// Covers: R348, R349, R355.
#[test]
fn the_openstack_client_manages_clusters() {
    let server = Server::simulated();
    let mut user = Session::new(&server, "openstack", "jeroboam");
    let labels = ["--labels", "min_node_count=1"];
    user.ok(&[&TEMPLATE[..], &["kind"], &NEEDED, &labels].concat());
    let options = ["--cluster-template", "kind", "--node-count", "2", "--labels", "max_node_count=5", "--merge-labels"];
    user.ok(&[&["coe", "cluster", "create", "one"], &options[..], &["--flavor", "m1.small"]].concat());
    user.ok(&["coe", "cluster", "list", "-c", "name", "-c", "status"]);
    server.settle("one", "CREATE_COMPLETE");
    user.ok(&["coe", "cluster", "list"]);
    let shown = user.json(&["coe", "cluster", "show", "one"]);
    let mut names: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_snapshot!("columns_of_cluster_show", names.join("\n"));

    let mut user = Session::new(&server, "openstack", "jeroboam");
    let show = [&["coe", "cluster", "show", "one"], &columns(&STABLE)[..]].concat();
    user.ok(&show);
    user.ok(&["coe", "cluster", "resize", "one", "3"]);
    server.reach("one", "UPDATE_COMPLETE");
    user.ok(&show);
    user.ok(&["coe", "cluster", "update", "one", "--node-count", "1"]);
    server.reach("one", "UPDATE_COMPLETE");
    user.ok(&show);
    user.refused(&["coe", "cluster", "update", "one", "--name", "two"]);
    user.refused(&["coe", "cluster", "upgrade", "one", "nothing"]);
    user.ok(&["coe", "cluster", "upgrade", "one", "kind"]);
    server.reach("one", "UPDATE_COMPLETE");
    user.run(&["coe", "cluster", "template", "delete", "kind"]);
    user.ok(&["coe", "cluster", "delete", "one"]);
    server.gone("one");
    user.ok(&["coe", "cluster", "list"]);
    user.refused(&["coe", "cluster", "show", "one"]);
    user.ok(&["coe", "cluster", "template", "delete", "kind"]);
    assert_snapshot!(user.transcript());
}

// Covers: R357.
#[test]
fn the_openstack_client_manages_node_groups() {
    let server = Server::simulated();
    server.create("kubernetes", "one", 1);
    server.reach("one", "CREATE_COMPLETE");
    let mut user = Session::new(&server, "openstack", "jeroboam");
    user.ok(&["coe", "nodegroup", "list", "one"]);
    let options =
        ["--node-count", "2", "--min-nodes", "1", "--max-nodes", "4", "--role", "fast", "--flavor", "m1.small"];
    let marks = ["--node-labels", "disk=ssd,tier=gold", "--node-taints", "dedicated=db:NoSchedule,spare:NoExecute"];
    user.ok(&[&["coe", "nodegroup", "create", "one", "pool"], &options[..], &marks].concat());
    server.reach("one", "UPDATE_COMPLETE");
    user.ok(&["coe", "nodegroup", "list", "one"]);
    user.ok(&["coe", "nodegroup", "list", "one", "--role", "fast", "-c", "name", "-c", "node_count"]);
    user.ok(&["coe", "nodegroup", "show", "one", "pool"]);
    user.ok(&["coe", "nodegroup", "update", "one", "pool", "--min-nodes", "2", "--max-nodes", "6"]);
    server.reach("one", "UPDATE_COMPLETE");
    let marks = ["--node-labels", "disk=hdd", "--node-taints", "spare:NoSchedule"];
    user.ok(&[&["coe", "nodegroup", "update", "one", "pool"], &marks[..]].concat());
    server.reach("one", "UPDATE_COMPLETE");
    user.ok(&["coe", "cluster", "resize", "one", "3", "--nodegroup", "pool"]);
    server.reach("one", "UPDATE_COMPLETE");
    user.ok(&["coe", "nodegroup", "show", "one", "pool"]);
    user.refused(&["coe", "nodegroup", "delete", "one", "default-worker"]);
    user.ok(&["coe", "nodegroup", "delete", "one", "pool"]);
    server.reach("one", "UPDATE_COMPLETE");
    user.ok(&["coe", "nodegroup", "list", "one", "-c", "name"]);
    assert_snapshot!(user.transcript());
}
