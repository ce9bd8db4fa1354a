//! Node groups of a running cluster: created, labelled and tainted, resized and deleted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use jeroboam_tests::{Server, container_of, docker_output, run};

fn kubectl(config: &Path, args: &[&str]) -> String {
    run("kubectl", args, &[("KUBECONFIG", config)])
}

fn nodes(config: &Path, selector: &str) -> Vec<String> {
    let listed = kubectl(config, &["get", "nodes", "-o", "name", "-l", selector]);
    listed.lines().map(|line| line.trim_start_matches("node/").to_owned()).collect()
}

/// The machine id that Kubernetes reports for a node: autoscalers and auto-healers identify the nodes to remove by it.
fn machine_id(config: &Path, node: &str) -> String {
    kubectl(config, &["get", "node", node, "-o", "jsonpath={.status.nodeInfo.machineID}"])
}

/// The node's uuid without dashes, in the format of machine ids.
fn node_uuid(cluster: &str, node: &str) -> String {
    let container = container_of(cluster, node).unwrap();
    let label = "{{index .Config.Labels \"org.jeroboam.node\"}}";
    docker_output(&["inspect", "--format", label, &container]).trim().replace('-', "")
}

fn kubeconfig(server: &Server) -> PathBuf {
    let dir = server.scratch("config");
    server.ok(&["bay", "config", "c", "--dir", dir.to_str().unwrap()]);
    dir.join("config")
}

/// Creates a pod on a node without the scheduler, which might choose another one.
fn put_pod_on(server: &Server, node: &str) {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/web-pod.yaml");
    let pod = std::fs::read_to_string(manifest).unwrap();
    let file = server.scratch("pod.yaml");
    std::fs::write(&file, pod.replace("spec:\n", &format!("spec:\n  nodeName: {node}\n"))).unwrap();
    server.ok(&["pod", "create", "--bay", "c", "--manifest", file.to_str().unwrap()]);
}

// Covers: W052.
#[test]
fn a_node_group_comes_changes_and_goes_on_a_living_cluster() {
    let server = Server::start();
    server.create("kubernetes", "c", 1);
    let config = kubeconfig(&server);

    server.ok(&["nodegroup", "create", "c", "fast", "--node-count", "2", "--node-labels", "tier=fast", "--watch"]);
    assert_eq!(nodes(&config, "tier=fast"), ["c-fast-0", "c-fast-1"]);
    assert_eq!(nodes(&config, "tier!=fast"), ["c-master-0", "c-worker-0"], "others keep what they have");

    server.ok(&[
        &["nodegroup", "update", "c", "fast", "--node-labels", "disk=nvme", "--watch"][..],
        &["--node-taints", "dedicated=fast:NoSchedule"],
    ]
    .concat());
    assert_eq!(nodes(&config, "disk=nvme,!tier"), ["c-fast-0", "c-fast-1"], "new labels instead of the old ones");
    let taints = "jsonpath={.items[*].spec.taints[*].key}";
    let taints = kubectl(&config, &["get", "nodes", "-l", "disk=nvme", "-o", taints]);
    // Kubernetes adds and removes its own taints.
    assert_eq!(taints.split(' ').filter(|key| *key == "dedicated").count(), 2, "{taints}");

    let cluster = server.uuid_of("c");
    for node in ["c-master-0", "c-worker-0", "c-fast-0", "c-fast-1"] {
        assert_eq!(machine_id(&config, node), node_uuid(&cluster, node), "{node}");
    }
    // Of two nodes the one with the higher number is removed, unless it has pods.
    put_pod_on(&server, "c-fast-1");
    server.ok(&["cluster", "resize", "c", "1", "--nodegroup", "fast", "--watch"]);
    assert_eq!(nodes(&config, "disk=nvme"), ["c-fast-1"], "the node without pods was removed");
    server.ok(&["cluster", "resize", "c", "2", "--nodegroup", "fast", "--watch"]);
    let pair = nodes(&config, "disk=nvme");
    let other = pair.iter().find(|node| *node != "c-fast-1").expect("a second node");
    let named = machine_id(&config, "c-fast-1");
    server.ok(&["cluster", "resize", "c", "1", "--nodegroup", "fast", "--remove", &named, "--watch"]);
    assert_eq!(nodes(&config, "disk=nvme"), [other.as_str()], "the named node was removed, with or without pods");

    server.ok(&["nodegroup", "delete", "c", "fast", "--watch"]);
    assert_eq!(nodes(&config, "disk=nvme"), Vec::<String>::new());
    assert_eq!(nodes(&config, ""), ["c-master-0", "c-worker-0"]);
    let groups = server.json(&["nodegroup", "list", "c"]);
    assert_eq!(groups.as_array().unwrap().len(), 2, "{groups}");
    let refused = server.cli(&["nodegroup", "delete", "c", "default-worker"]);
    assert!(refused.code != 0 && refused.err.contains("default"), "{refused:?}");
    server.ok(&["bay", "delete", "c", "--watch"]);
}
