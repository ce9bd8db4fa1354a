//! Rotation of the CAs of running clusters: certificates of the old CAs become invalid, workloads keep running.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jeroboam_tests::{Server, eventually, run};

const PATIENCE: Duration = Duration::from_secs(90);

fn config(server: &Server, name: &str) -> PathBuf {
    let dir = server.scratch(name);
    server.ok(&["bay", "config", "c", "--dir", dir.to_str().unwrap()]);
    dir
}

fn authority(server: &Server) -> String {
    server.ok(&["ca", "show", "c"])
}

fn kubectl(dir: &Path, args: &[&str]) -> String {
    run("kubectl", args, &[("KUBECONFIG", &dir.join("config"))])
}

/// Whether a client of the cluster is authenticated with the files of `bay config`.
fn is_let_in(program: &str, args: &[&str], environment: &[(&str, &Path)]) -> bool {
    Command::new(program).args(args).envs(environment.iter().copied()).output().unwrap().status.success()
}

fn pod(server: &Server, name: &str) {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/web-pod.yaml");
    let text = std::fs::read_to_string(manifest).unwrap().replace("name: web", &format!("name: {name}"));
    let file = server.scratch("pod.yaml");
    std::fs::write(&file, text).unwrap();
    server.ok(&["pod", "create", "--bay", "c", "--manifest", file.to_str().unwrap()]);
    eventually(&format!("the pod {name} runs"), PATIENCE, || {
        (server.json(&["pod", "show", name, "--bay", "c"])["status"] == "Running").then_some(())
    });
}

// Covers: R305.
#[test]
fn authorities_of_kubernetes_are_rotated_while_pods_run() {
    let server = Server::start();
    server.create("kubernetes", "c", 1);
    let (before, old) = (authority(&server), config(&server, "old"));
    pod(&server, "first");
    let container = ["get", "pod", "first", "-o", "jsonpath={.status.containerStatuses[0].containerID}"];
    let first = kubectl(&old, &container);

    server.ok(&["ca", "rotate", "c", "--watch"]);
    let operation = server.newest_operation("c");
    assert_eq!((&operation["kind"], &operation["status"]), (&"rotate-ca".into(), &"succeeded".into()));
    let steps: Vec<&str> =
        operation["steps"].as_array().unwrap().iter().map(|step| step["key"].as_str().unwrap()).collect();
    assert!(steps.contains(&"node/c-master-0") && steps.contains(&"node/c-worker-0"), "{steps:?}");
    server.settle("c", "UPDATE_COMPLETE");

    let after = authority(&server);
    assert_ne!(after, before);
    let old_config = old.join("config");
    assert!(!is_let_in("kubectl", &["get", "nodes"], &[("KUBECONFIG", &old_config)]), "by the old certificate");
    let issued = server.json(&["ca", "list", "c"]);
    assert_eq!(issued[0]["is_void"], true, "{issued}");
    let new = config(&server, "new");
    let nodes = kubectl(&new, &["get", "nodes", "--no-headers"]);
    assert!(nodes.lines().count() == 2 && nodes.lines().all(|line| line.contains(" Ready ")), "{nodes}");
    assert_eq!(kubectl(&new, &container), first, "the pod's container is the same one");
    pod(&server, "second");
    // The CA with which pods verify the API server.
    eventually("pods get the new CA", PATIENCE, || {
        let path = ["get", "configmap", "kube-root-ca.crt", "-o", "jsonpath={.data.ca\\.crt}"];
        (kubectl(&new, &path).trim() == after.trim()).then_some(())
    });
    // New nodes use the new CAs.
    server.ok(&["bay", "resize", "c", "2", "--watch"]);
    server.ok(&["bay", "delete", "c", "--watch"]);
}

#[test]
fn authorities_of_a_swarm_are_rotated() {
    let server = Server::start();
    server.create("swarm", "c", 1);
    let (before, old) = (authority(&server), config(&server, "old"));
    server.ok(&["container", "create", "web", "--bay", "c", "--image", "jeroboam/nginx:1.22"]);
    let runs = || (server.json(&["container", "show", "web", "--bay", "c"])["status"] == "Running").then_some(());
    eventually("the container runs", PATIENCE, runs);
    // A new process would have another start time, the 22nd field (proc(5)).
    let started = || {
        let stat = server.ok(&["container", "exec", "web", "--bay", "c", "--", "cat", "/proc/1/stat"]);
        stat.split_whitespace().nth(21).unwrap().to_owned()
    };
    let before_rotation = started();

    server.ok(&["ca", "rotate", "c", "--watch"]);
    assert_ne!(authority(&server), before);
    let address = server.json(&["cluster", "show", "c"])["api_address"].as_str().unwrap().replace("https://", "tcp://");
    let with = |dir: &Path| {
        let environment: [(&str, &Path); 3] =
            [("DOCKER_HOST", Path::new(&address)), ("DOCKER_TLS_VERIFY", Path::new("1")), ("DOCKER_CERT_PATH", dir)];
        is_let_in("docker", &["node", "ls"], &environment)
    };
    assert!(!with(&old), "by the old certificate");
    assert!(with(&config(&server, "new")));
    assert_eq!(started(), before_rotation, "the container is the same one, and runs");
    server.settle("c", "UPDATE_COMPLETE");
    server.ok(&["bay", "delete", "c", "--watch"]);
}
