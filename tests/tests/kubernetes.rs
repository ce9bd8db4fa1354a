//! A real Kubernetes cluster from nothing to a pod, and back to nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use jeroboam_tests::{Server, eventually, run};

const PATIENCE: Duration = Duration::from_secs(60);

fn manifest(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests").join(name).display().to_string()
}

fn kubectl(config: &Path, args: &[&str]) -> String {
    run("kubectl", args, &[("KUBECONFIG", config)])
}

#[test]
fn a_cluster_runs_pods_services_and_replication_controllers_and_leaves_nothing_behind() {
    let server = Server::start();
    server.create("kubernetes", "k8s", 2);
    let uuid = server.uuid_of("k8s");
    assert_eq!(server.json(&["bay", "show", "k8s"])["status"], "CREATE_COMPLETE");

    let config = kubeconfig(&server);
    every_node_is_ready_and_knows_its_role(&config);
    topology_shows_every_component(&server);
    a_pod_is_reached_through_a_node_port(&server);
    a_killed_replica_is_replaced(&server);
    pods_find_each_other_across_nodes_and_by_name(&config);
    scaling_adds_and_removes_nodes(&server, &config);
    what_was_made_is_deleted(&server);

    server.ok(&["bay", "delete", "k8s", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
    assert_eq!(server.cli(&["bay", "show", "k8s"]).code, 3);
    assert_eq!(server.newest_operation(&uuid)["kind"], "delete", "the history stays");
}

fn kubeconfig(server: &Server) -> PathBuf {
    let dir = server.scratch("config");
    server.ok(&["bay", "config", "k8s", "--dir", dir.to_str().unwrap()]);
    dir.join("config")
}

fn every_node_is_ready_and_knows_its_role(config: &Path) {
    let nodes = kubectl(config, &["get", "nodes", "--no-headers"]);
    assert_eq!(nodes.lines().count(), 3, "{nodes}");
    assert!(nodes.lines().all(|line| line.contains(" Ready ")), "{nodes}");
    assert_eq!(nodes.lines().filter(|line| line.contains("master")).count(), 2 - 1, "{nodes}");
}

fn topology_shows_every_component(server: &Server) {
    let topology = server.json(&["bay", "topology", "k8s"]);
    let nodes: Vec<_> =
        topology["node_groups"].as_array().unwrap().iter().flat_map(|g| g["nodes"].as_array().unwrap()).collect();
    assert_eq!(nodes.len(), 3);
    for node in nodes {
        assert_eq!(node["phase"], "up", "{node}");
        let components: Vec<&str> =
            node["components"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
        for expected in ["containerd", "kubelet", "kube-proxy"] {
            assert!(components.contains(&expected), "{components:?}");
        }
    }
}

fn a_pod_is_reached_through_a_node_port(server: &Server) {
    server.ok(&["pod", "create", "--bay", "k8s", "--manifest", &manifest("web-pod.yaml")]);
    eventually("the pod runs", PATIENCE, || {
        (server.json(&["pod", "show", "web", "--bay", "k8s"])["status"] == "Running").then_some(())
    });
    let service = server.json(&["service", "create", "--bay", "k8s", "--manifest", &manifest("web-service.yaml")]);
    let port = service["ports"][0]["node_port"].as_u64().expect("a node port");
    let nodes = server.json(&["cluster", "show", "k8s"])["node_addresses"].clone();
    for address in nodes.as_array().unwrap() {
        let url = format!("http://{}:{port}/", address.as_str().unwrap());
        let page = eventually("the service answers", PATIENCE, || {
            let page = std::process::Command::new("curl").args(["-s", "--max-time", "2", &url]).output().unwrap();
            page.status.success().then(|| String::from_utf8_lossy(&page.stdout).into_owned())
        });
        assert!(page.contains("nginx"), "{page}");
    }
}

fn a_killed_replica_is_replaced(server: &Server) {
    server.ok(&["rc", "create", "--bay", "k8s", "--manifest", &manifest("web-rc.yaml")]);
    let running = || {
        let pods = server.json(&["pod", "list", "--bay", "k8s"]);
        let names: Vec<String> = pods
            .as_array()
            .unwrap()
            .iter()
            .filter(|pod| pod["status"] == "Running")
            .map(|pod| pod["name"].as_str().unwrap().to_owned())
            .filter(|name| name.starts_with("replicas-"))
            .collect();
        (names.len() == 3).then_some(names)
    };
    let before = eventually("three replicas run", PATIENCE, running);
    server.ok(&["pod", "delete", &before[0], "--bay", "k8s"]);
    eventually("the killed one is replaced", PATIENCE, || running().filter(|now| !now.contains(&before[0])));
}

fn pods_find_each_other_across_nodes_and_by_name(config: &Path) {
    let pods = kubectl(config, &["get", "pods", "-l", "app=replicas", "-o", "jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName} {.status.podIP}{\"\\n\"}{end}"]);
    let pods: Vec<Vec<&str>> = pods.lines().map(|line| line.split(' ').collect()).collect();
    let first = &pods[0];
    let elsewhere = pods.iter().find(|pod| pod[1] != first[1]).expect("replicas are spread over both nodes");
    let page = kubectl(config, &["exec", first[0], "--", "curl", "-s", "--max-time", "5", &format!("http://{}/", elsewhere[2])]);
    assert!(page.contains("nginx"), "{page}");
    for name in ["web", "web.default", "web.default.svc.cluster.local"] {
        let page = kubectl(config, &["exec", first[0], "--", "curl", "-s", "--max-time", "5", &format!("http://{name}/")]);
        assert!(page.contains("nginx"), "{name}: {page}");
    }
}

fn scaling_adds_and_removes_nodes(server: &Server, config: &Path) {
    let nodes = || kubectl(config, &["get", "nodes", "--no-headers"]);
    server.ok(&["bay", "scale", "k8s", "3", "--watch"]);
    assert_eq!(nodes().lines().filter(|line| line.contains(" Ready ")).count(), 4);
    server.ok(&["bay", "scale", "k8s", "1", "--watch"]);
    assert_eq!(nodes().lines().count(), 2, "nodes that are gone are forgotten");
    let cluster = server.json(&["cluster", "show", "k8s"]);
    assert_eq!((&cluster["status"], cluster["node_count"].as_u64()), (&"UPDATE_COMPLETE".into(), Some(1)));
}

fn what_was_made_is_deleted(server: &Server) {
    for (noun, name) in [("rc", "replicas"), ("service", "web"), ("pod", "web")] {
        let answer = server.cli(&[noun, "delete", name, "--bay", "k8s"]);
        // The pod may have gone with its node.
        assert!(answer.code == 0 || noun == "pod" && answer.code == 3, "{answer:?}");
    }
}

#[test]
fn pods_reach_each_other_over_vxlan() {
    let server = Server::start();
    server.ok(&["bay", "create", "vx", "--baymodel", "kubernetes", "--node-count", "2", "--labels", "flannel_backend=vxlan", "--watch"]);
    server.ok(&["rc", "create", "--bay", "vx", "--manifest", &manifest("web-rc.yaml")]);
    let dir = server.scratch("config");
    server.ok(&["bay", "config", "vx", "--dir", dir.to_str().unwrap()]);
    let config = dir.join("config");
    eventually("three replicas run", PATIENCE, || {
        let running = kubectl(&config, &["get", "pods", "--field-selector=status.phase=Running", "--no-headers"]);
        (running.lines().count() == 3).then_some(())
    });
    let pods = kubectl(&config, &["get", "pods", "-o", "jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName} {.status.podIP}{\"\\n\"}{end}"]);
    let pods: Vec<Vec<&str>> = pods.lines().map(|line| line.split(' ').collect()).collect();
    let elsewhere = pods.iter().find(|pod| pod[1] != pods[0][1]).expect("replicas are spread over both nodes");
    let page = kubectl(&config, &["exec", pods[0][0], "--", "curl", "-s", "--max-time", "5", &format!("http://{}/", elsewhere[2])]);
    assert!(page.contains("nginx"), "{page}");
}
