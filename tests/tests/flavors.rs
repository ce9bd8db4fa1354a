//! Flavors of real clusters: machines get the resources of the operator's flavors, and Kubernetes reports them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jeroboam_tests::{Server, container_of, docker_output, run};

const MIB: u64 = 1 << 20;

/// A Kubernetes quantity in bytes.
fn bytes(quantity: &str) -> u64 {
    let digits = quantity.trim_end_matches(char::is_alphabetic);
    let unit = match &quantity[digits.len()..] {
        "" => 1,
        "Ki" => MIB >> 10,
        "Mi" => MIB,
        "Gi" => MIB << 10,
        other => panic!("{other} in {quantity}"),
    };
    digits.parse::<u64>().unwrap() * unit
}

/// Memory limit of a node's container, in bytes.
fn memory_limit(cluster: &str, node: &str) -> u64 {
    let container = container_of(cluster, node).unwrap();
    docker_output(&["inspect", "-f", "{{.HostConfig.Memory}}", &container]).trim().parse().unwrap()
}

#[test]
fn every_node_group_has_machines_of_its_own_flavor() {
    let server = Server::with(&["--flavors", "small=1:2048,large=1:3072"]);
    let answer = server.cli(&["bay", "create", "c", "--baymodel", "kubernetes", "--flavor", "m1.small"]);
    assert!(answer.err.contains("flavor_id") && answer.err.contains("small, large"), "{answer:?}");
    let answer = server.cli(&["bay", "create", "c", "--baymodel", "kubernetes", "--labels", "kube_tag=v1.36.99"]);
    assert!(answer.err.contains("labels.kube_tag") && answer.err.contains("has Kubernetes v1."), "{answer:?}");
    let answer = server.cli(&["baymodel", "create", "x", "--coe", "swarm", "--image", "jeroboam/nginx:1.22"]);
    assert!(answer.err.contains("image_id") && answer.err.contains("nodes cannot use it"), "{answer:?}");

    let flavors = ["--master-flavor", "large", "--flavor", "small", "--node-count", "1"];
    server.ok(&[&["bay", "create", "c", "--baymodel", "kubernetes"], &flavors[..]].concat());
    server.settle("c", "CREATE_COMPLETE");
    server.ok(&["nodegroup", "create", "c", "more", "--node-count", "1", "--flavor", "large"]);
    server.settle("c", "UPDATE_COMPLETE");

    let uuid = server.uuid_of("c");
    let dir = server.scratch("config");
    server.ok(&["bay", "config", "c", "--dir", dir.to_str().unwrap()]);
    let columns = "custom-columns=NAME:.metadata.name,CPU:.status.allocatable.cpu,MEMORY:.status.allocatable.memory";
    let nodes =
        run("kubectl", &["get", "nodes", "--no-headers", "-o", columns], &[("KUBECONFIG", &dir.join("config"))]);
    assert_eq!(nodes.lines().count(), 3, "{nodes}");
    for line in nodes.lines() {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let mib = if cells[0].contains("master") || cells[0].contains("more") { 3072 } else { 2048 };
        assert_eq!(memory_limit(&uuid, cells[0]), mib * MIB, "{line}");
        assert_eq!((cells[1], bytes(cells[2])), ("1", mib * MIB), "{nodes}");
    }
    server.ok(&["bay", "delete", "c", "--watch"]);
}
