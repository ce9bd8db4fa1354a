//! Clusters of the other supported versions of Kubernetes; all other tests use the newest one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use jeroboam_tests::{Server, eventually, run};

const PATIENCE: Duration = Duration::from_secs(60);

/// The life cycle of a cluster: creation, pods, resizes, deletion.
fn lives(minor: &str) {
    let server = Server::start();
    // A minor version, for which the newest patch in the image is used.
    server.ok(&["bay", "create", "v", "--baymodel", "kubernetes", "--labels", &format!("kube_tag={minor}"), "--watch"]);
    let shown = server.json(&["cluster", "show", "v"]);
    let version = shown["coe_version"].as_str().unwrap().to_owned();
    assert!(version.starts_with(&format!("v{minor}.")), "{shown}");
    assert_eq!(shown["labels"]["kube_tag"], minor, "labels are stored unchanged");

    let dir = server.scratch("config");
    server.ok(&["bay", "config", "v", "--dir", dir.to_str().unwrap()]);
    let kubectl = |args: &[&str]| run("kubectl", args, &[("KUBECONFIG", &dir.join("config"))]);
    let api: serde_json::Value = serde_json::from_str(&kubectl(&["get", "--raw", "/version?pretty=true"])).unwrap();
    assert_eq!(api["gitVersion"], *version);

    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/web-pod.yaml");
    server.ok(&["pod", "create", "--bay", "v", "--manifest", manifest.to_str().unwrap()]);
    eventually("the pod runs", PATIENCE, || {
        (server.json(&["pod", "show", "web", "--bay", "v"])["status"] == "Running").then_some(())
    });
    server.ok(&["bay", "scale", "v", "2", "--watch"]);
    let kubelets = kubectl(&["get", "nodes", "-o", "jsonpath={.items[*].status.nodeInfo.kubeletVersion}"]);
    assert_eq!(kubelets, [version.as_str(); 3].join(" "), "new nodes have the cluster's version");
    server.ok(&["bay", "scale", "v", "1", "--watch"]);
    let uuid = server.uuid_of("v");
    server.ok(&["bay", "delete", "v", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
}

#[test]
fn clusters_of_the_version_before_the_newest_live() {
    lives("1.36");
}

/// The node image of `make test` has only the newest two versions.
mod slow {
    use super::lives;

    #[test]
    fn clusters_of_1_35_live() {
        lives("1.35");
    }

    #[test]
    fn clusters_of_1_34_live() {
        lives("1.34");
    }
}
