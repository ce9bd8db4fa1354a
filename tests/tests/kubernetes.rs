//! The life cycle of a real Kubernetes cluster: creation, workloads, resizes, deletion.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use jeroboam_tests::{Server, container_of, docker_output, eventually, run};

const PATIENCE: Duration = Duration::from_secs(60);

fn manifest(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests").join(name).display().to_string()
}

fn kubectl(config: &Path, args: &[&str]) -> String {
    run("kubectl", args, &[("KUBECONFIG", config)])
}

// Covers: W049, W051, W060.
#[test]
fn a_cluster_runs_pods_services_and_replication_controllers_and_leaves_nothing_behind() {
    let server = Server::start();
    server.create("kubernetes", "k8s", 2);
    let uuid = server.uuid_of("k8s");
    assert_eq!(server.json(&["bay", "show", "k8s"])["status"], "CREATE_COMPLETE");

    bad_manifests_are_refused(&server);
    let config = kubeconfig(&server);
    every_node_is_ready_and_knows_its_role(&config);
    topology_shows_every_component(&server);
    pods_that_would_take_over_their_node_are_refused(&server, &config);
    a_pod_is_reached_through_a_node_port(&server);
    a_killed_replica_is_replaced(&server);
    pods_find_each_other_across_nodes_and_by_name(&server, &config);
    kubectl(
        &config,
        &["label", "--overwrite", "namespace", "default", "pod-security.kubernetes.io/enforce=privileged"],
    );
    scaling_adds_and_removes_nodes(&server, &config);
    assert_eq!(pod_security(&config, "default"), "privileged", "users can change it");
    what_was_made_is_deleted(&server);

    server.ok(&["bay", "delete", "k8s", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
    assert_eq!(server.cli(&["bay", "show", "k8s"]).code, 3);
    assert_eq!(server.newest_operation(&uuid)["kind"], "delete", "the history is kept");
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

/// The Pod Security label of a namespace.
fn pod_security(config: &Path, namespace: &str) -> String {
    let label = r"jsonpath={.metadata.labels.pod-security\.kubernetes\.io/enforce}";
    kubectl(config, &["get", "namespace", namespace, "-o", label])
}

fn pods_that_would_take_over_their_node_are_refused(server: &Server, config: &Path) {
    assert_eq!(pod_security(config, "default"), "baseline");
    assert_eq!(pod_security(config, "kube-system"), "");
    let pod = std::fs::read_to_string(manifest("web-pod.yaml")).unwrap();
    let file = server.scratch("host.yaml");
    let host = pod.replace("spec:\n", "spec:\n  hostPID: true\n");
    assert_ne!(host, pod);
    std::fs::write(&file, host).unwrap();
    let answer = server.cli(&["pod", "create", "--bay", "k8s", "--manifest", file.to_str().unwrap()]);
    assert!(answer.code == 1 && answer.err.contains("PodSecurity"), "{answer:?}");
}

/// Each returns a 400 that names the place of the error, and nothing is created.
fn bad_manifests_are_refused(server: &Server) {
    let pod = std::fs::read_to_string(manifest("web-pod.yaml")).unwrap();
    let cases = [
        ("no YAML", "{unclosed: [".to_owned(), "manifest:"),
        ("no YAML either", "a: b: c".to_owned(), "manifest:"),
        ("two documents", format!("{pod}---\n{pod}"), "more than one YAML document"),
        ("the wrong kind", pod.replace("kind: Pod", "kind: Service"), "manifest: kind"),
        ("an unknown field", pod.replace("spec:\n", "spec:\n  restartPolice: Never\n"), "manifest: spec.restartPolice"),
        ("no name", pod.replace("  name: web\n", ""), "manifest: metadata.name"),
    ];
    for (what, text, named) in cases {
        let file = server.scratch("bad.yaml");
        std::fs::write(&file, text).unwrap();
        let answer = server.cli(&["pod", "create", "--bay", "k8s", "--manifest", file.to_str().unwrap()]);
        assert!(answer.code == 1 && answer.err.contains("HTTP 400"), "{what}: {answer:?}");
        assert!(answer.err.contains(named), "{what}: does not name {named}: {answer:?}");
    }
    let own = format!("{}/healthcheck", server.url());
    for url in [
        own.as_str(),
        "http://localhost/pod.yaml",
        "http://[::1]/pod.yaml",
        "http://[::ffff:127.0.0.1]/pod.yaml",
        "http://2130706433/pod.yaml",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/pod.yaml",
        "http://10.0.0.1/pod.yaml",
        "http://172.17.0.1/pod.yaml",
        "http://192.168.0.1/pod.yaml",
        "http://[fd00::1]/pod.yaml",
    ] {
        let answer = server.cli(&["pod", "create", "--bay", "k8s", "--manifest", url]);
        assert!(answer.code == 1 && answer.err.contains("HTTP 400"), "{url}: {answer:?}");
        assert!(answer.err.contains("manifest_url") && answer.err.contains("internal"), "{url}: {answer:?}");
    }
    let answer = server.cli(&["pod", "create", "--bay", "k8s", "--manifest-url", "file:///etc/passwd"]);
    assert!(answer.code == 1 && answer.err.contains("manifest_url"), "{answer:?}");
    for noun in ["pod", "rc"] {
        assert_eq!(server.json(&[noun, "list", "--bay", "k8s"]).as_array().unwrap().len(), 0);
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

/// Creates one pod on each worker without the scheduler, which might put all on one. Returns their names and addresses
/// when they run.
fn pod_on_each_worker(server: &Server, cluster: &str) -> Vec<(String, String)> {
    let pod = std::fs::read_to_string(manifest("web-pod.yaml")).unwrap();
    let mut pods = Vec::new();
    for worker in [format!("{cluster}-worker-0"), format!("{cluster}-worker-1")] {
        let name = format!("at-{worker}");
        let text = pod
            .replace("name: web", &format!("name: {name}"))
            .replace("app: web", "app: peer")
            .replace("spec:\n", &format!("spec:\n  nodeName: {worker}\n"));
        let file = server.scratch("peer.yaml");
        std::fs::write(&file, text).unwrap();
        server.ok(&["pod", "create", "--bay", cluster, "--manifest", file.to_str().unwrap()]);
        pods.push((name, worker));
    }
    let address = |(name, worker): (String, String)| {
        eventually(&format!("{name} runs"), PATIENCE, || {
            let pod = server.json(&["pod", "show", &name, "--bay", cluster]);
            assert_eq!(pod["host"], *worker);
            let address = pod["ip"].as_str().map(ToOwned::to_owned);
            (pod["status"] == "Running").then_some((name.clone(), address?))
        })
    };
    pods.into_iter().map(address).collect()
}

/// Fetches a page from inside a pod.
fn fetched_by(config: &Path, pod: &str, url: &str) -> String {
    kubectl(config, &["exec", pod, "--", "wget", "-q", "-O-", url]).trim().to_owned()
}

fn pods_reach_each_other(config: &Path, pods: &[(String, String)]) {
    for (from, _) in pods {
        for (to, address) in pods {
            assert_eq!(fetched_by(config, from, &format!("http://{address}/hostname")), *to, "asked by {from}");
        }
    }
}

fn pods_find_each_other_across_nodes_and_by_name(server: &Server, config: &Path) {
    let pods = pod_on_each_worker(server, "k8s");
    pods_reach_each_other(config, &pods);
    for (pod, _) in &pods {
        for name in ["web", "web.default", "web.default.svc.cluster.local"] {
            assert_eq!(fetched_by(config, pod, &format!("http://{name}/hostname")), "web", "{name} asked by {pod}");
        }
    }
}

fn scaling_adds_and_removes_nodes(server: &Server, config: &Path) {
    let nodes = || kubectl(config, &["get", "nodes", "--no-headers"]);
    server.ok(&["bay", "scale", "k8s", "3", "--watch"]);
    assert_eq!(nodes().lines().filter(|line| line.contains(" Ready ")).count(), 4);
    server.ok(&["bay", "scale", "k8s", "1", "--watch"]);
    assert_eq!(nodes().lines().count(), 2, "removed nodes are deleted from the engine");
    let cluster = server.json(&["cluster", "show", "k8s"]);
    assert_eq!((&cluster["status"], cluster["node_count"].as_u64()), (&"UPDATE_COMPLETE".into(), Some(1)));
}

fn what_was_made_is_deleted(server: &Server) {
    for (noun, name) in [("rc", "replicas"), ("service", "web"), ("pod", "web")] {
        let answer = server.cli(&[noun, "delete", name, "--bay", "k8s"]);
        // The pod may have been deleted with its node.
        assert!(answer.code == 0 || noun == "pod" && answer.code == 3, "{answer:?}");
    }
}

// Covers: W062.
#[test]
fn pods_reach_each_other_over_vxlan_in_the_network_of_the_label() {
    let server = Server::start();
    let labels = ["--labels", "flannel_use_vxlan=true,flannel_network_cidr=10.120.0.0/16"];
    server
        .ok(&[&["bay", "create", "vx", "--baymodel", "kubernetes", "--node-count", "2", "--watch"], &labels[..]]
            .concat());
    let dir = server.scratch("config");
    server.ok(&["bay", "config", "vx", "--dir", dir.to_str().unwrap()]);
    let config = dir.join("config");
    let pods = pod_on_each_worker(&server, "vx");
    assert!(pods.iter().all(|(_, address)| address.starts_with("10.120.")), "{pods:?}");
    pods_reach_each_other(&config, &pods);
    let container = container_of(&server.uuid_of("vx"), "vx-worker-0").unwrap();
    let devices = docker_output(&["exec", &container, "ip", "-d", "link", "show", "type", "vxlan"]);
    assert!(devices.contains("vxlan id"), "{devices}");
    server.ok(&["bay", "delete", "vx", "--watch"]);
}
