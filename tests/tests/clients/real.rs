//! Unmodified clients from a template to a pod on a real Kubernetes cluster.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jeroboam_tests::{Server, Session, containers_of, docker_output, eventually, run};
use jiff::Timestamp;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(120);

fn kubectl(config: &Path, args: &[&str]) -> String {
    run("kubectl", args, &[("KUBECONFIG", config)])
}

// Covers: R346, R349, R356, W004, W013, W060, W064, W076.
#[test]
fn kubectl_works_with_what_the_openstack_client_wrote_and_pods_come_from_the_program_of_2016() {
    let server = Server::start();
    let mut user = Session::new(&server, "openstack", "jeroboam");
    user.ok(&["coe", "cluster", "create", "one", "--cluster-template", "kubernetes", "--node-count", "1"]);
    eventually("the cluster is complete", PATIENCE, || {
        let shown = user.json(&["coe", "cluster", "show", "one"]);
        (shown["status"] == "CREATE_COMPLETE").then_some(())
    });

    let folder = server.scratch("config");
    std::fs::create_dir(&folder).unwrap();
    let dir = folder.to_str().unwrap();
    let said = user.ok(&["coe", "cluster", "config", "one", "--dir", dir]);
    assert!(said.contains("export KUBECONFIG="), "{said}");
    let config = folder.join("config");
    let nodes = kubectl(&config, &["get", "nodes", "--no-headers"]);
    assert_eq!(nodes.lines().filter(|line| line.contains(" Ready ")).count(), 2, "{nodes}");
    assert_eq!(kubectl(&config, &["auth", "can-i", "*", "*"]).trim(), "yes");
    let ready = kubectl(&config, &["get", "--raw", "/readyz?verbose"]);
    assert!(ready.contains("[+]etcd ok"), "{ready}");

    // An existing file is overwritten only with --force.
    let said = user.refused(&["coe", "cluster", "config", "one", "--dir", dir]);
    assert!(said.contains("exists"), "{said}");
    user.ok(&["coe", "cluster", "config", "one", "--dir", dir, "--force", "--output-certs"]);
    let file = |name: &str| folder.join(name).display().to_string();
    let server_url = kubectl(&config, &["config", "view", "-o", "jsonpath={.clusters[0].cluster.server}"]);
    let [ca, certificate, key] = ["ca.pem", "cert.pem", "key.pem"].map(file);
    let get = ["-s", "--fail", "--noproxy", "*", "--cacert", &ca, "--cert", &certificate, "--key", &key];
    let version = run("curl", &[&get[..], &[&format!("{server_url}/version")]].concat(), &[]);
    assert!(version.contains("gitVersion"), "{version}");

    // Access without a certificate is denied.
    let mut curl = Command::new("curl");
    curl.args(["-sk", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}"])
        .arg(format!("{server_url}/api/v1/nodes"));
    let status = curl.output().unwrap().stdout;
    assert!(status == b"401" || status == b"403", "{status:?}");

    a_pod_from_a_file(&server, &config);
    it_was_complete_as_soon_as_its_last_step(&server);
    user.ok(&["coe", "cluster", "delete", "one"]);
    server.gone("one");
}

fn a_pod_from_a_file(server: &Server, config: &Path) {
    let manifest: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/web-pod.yaml");
    let mut user = Session::new(server, "magnum-2.1", "jeroboam");
    let made = user.ok(&["pod-create", "--bay", "one", "--manifest", manifest.to_str().unwrap()]);
    assert!(made.contains("| name ") && made.contains(" web "), "{made}");
    let pods = kubectl(config, &["get", "pods", "-n", "default", "-o", "name"]);
    assert_eq!(pods.trim(), "pod/web");
    assert!(user.ok(&["pod-list", "--bay", "one"]).contains(" web "));
    let row = made.lines().find(|line| line.starts_with("| uuid ")).unwrap();
    let uuid = row.split('|').nth(2).unwrap().trim();
    assert!(user.ok(&["pod-show", uuid, "--bay", "one"]).contains(" web "));
    eventually("the pod runs", PATIENCE, || {
        user.ok(&["pod-show", "web", "--bay", "one"]).contains("Running").then_some(())
    });
    user.ok(&["pod-delete", "web", "--bay", "one"]);
    eventually("the pod is gone", PATIENCE, || {
        user.run(&["pod-show", "web", "--bay", "one"]).err.contains("HTTP 404").then_some(())
    });
}

/// The status changes with the last step, without the delay of a poll.
fn it_was_complete_as_soon_as_its_last_step(server: &Server) {
    let operation = server.newest_operation("one");
    let time = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    let last_step = operation["steps"].as_array().unwrap().iter().map(|step| time(&step["finished_at"])).max().unwrap();
    let waited = time(&operation["finished_at"]).duration_since(last_step);
    assert!(waited.as_secs() < 10, "{operation:#}");
}

// Covers: R197, W056, W057.
#[test]
fn bays_of_the_program_of_2016_are_deleted_with_what_runs_in_them_even_when_their_machines_are_gone() {
    let server = Server::start();
    let mut user = Session::new(&server, "magnum-2.1", "jeroboam");
    let long = "a".repeat(242);
    for name in [long.as_str(), "two"] {
        user.ok(&["bay-create", "--name", name, "--baymodel", "swarm", "--node-count", "1"]);
    }
    for name in [long.as_str(), "two"] {
        eventually("the bay is complete", PATIENCE, || {
            (server.json(&["bay", "show", name])["status"] == "CREATE_COMPLETE").then_some(())
        });
    }
    let (one, two) = (server.uuid_of(&long), server.uuid_of("two"));
    user.ok(&["container-create", "--name", "web", "--image", "jeroboam/nginx:1.22", "--bay", &long]);
    assert!(user.ok(&["container-list", "--bay", &long]).contains(" web "));
    for container in containers_of(&two) {
        docker_output(&["rm", "-fv", &container]);
    }
    user.ok(&["bay-delete", &long, "two"]);
    for (name, uuid) in [(long.as_str(), &one), ("two", &two)] {
        server.gone(name);
        assert_eq!(server.marked(uuid), Vec::<String>::new());
    }
    assert!(!user.ok(&["container-list"]).contains(" web "));
}
