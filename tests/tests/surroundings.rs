//! The environment of nodes on real clusters: a proxy, a registry without TLS, a volume for containers, and a registry
//! in the cluster.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jeroboam_tests::{Server, World, container_of, docker_output, eventually, run};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(90);

/// An image that is in every node image, and in the registry of the test.
const IMAGE: &str = "jeroboam/nginx:1.22";

/// An image in the cluster's registry, as nodes name it.
const OWN: &str = "localhost:5000/web:1";

/// Not the default port of either engine.
const API_PORT: &str = "7443";

/// Size of the volume in GiB.
const VOLUME: u64 = 2;

/// Creates a template with all these attributes, and a cluster from it.
fn create(server: &Server, world: &World, engine: &str, workers: u32) {
    server.ok(&[
        &["baymodel", "create", "kind", "--coe", engine, "--image", "debian-13", "--registry-enabled"][..],
        &["--http-proxy", &world.proxy(), "--no-proxy", "proxied.example,10.9.0.0/16"],
        &[
            "--apiserver-port",
            API_PORT,
            "--insecure-registry",
            &world.registry(),
            "--docker-volume-size",
            &VOLUME.to_string(),
        ],
    ]
    .concat());
    server.create("kind", "c", workers);
    let shown = server.json(&["cluster", "show", "c"]);
    assert!(shown["api_address"].as_str().unwrap().ends_with(&format!(":{API_PORT}")), "{shown}");
}

/// Runs a command on a node.
fn on(server: &Server, node: &str, command: &[&str]) -> String {
    let container = container_of(&server.uuid_of("c"), node).unwrap();
    run("docker", &[&["exec", &container], command].concat(), &[])
}

fn certificates(server: &Server) -> PathBuf {
    let dir = server.scratch("config");
    server.ok(&["bay", "config", "c", "--output-certs", "--dir", dir.to_str().unwrap()]);
    dir
}

/// Size in GiB and type of the file system of a folder on a node.
fn disk_of(server: &Server, node: &str, folder: &str) -> (u64, String) {
    let answer = on(server, node, &["df", "--block-size=1M", "--output=size,fstype", folder]);
    let cells: Vec<&str> = answer.lines().last().unwrap().split_whitespace().collect();
    (cells[0].parse::<u64>().unwrap().div_ceil(1024), cells[1].to_owned())
}

/// Status code of the cluster's registry from outside, 0 if there is no answer.
fn asked_from_outside(master: &str, dir: Option<&Path>) -> u16 {
    let mut command = Command::new("curl");
    command.args(["-s", "--noproxy", "*", "--max-time", "10", "-o", "/dev/null", "-w", "%{http_code}"]);
    match dir {
        Some(dir) => {
            let at = |name: &str| dir.join(name).display().to_string();
            command.args(["--cacert", &at("ca.pem"), "--cert", &at("cert.pem"), "--key", &at("key.pem")]);
        }
        None => _ = command.arg("--insecure"),
    }
    let answer = command.arg(format!("https://{master}:5000/v2/_catalog")).output().unwrap();
    String::from_utf8_lossy(&answer.stdout).trim().parse().unwrap()
}

fn components(server: &Server) -> Vec<(String, Vec<String>)> {
    let topology = server.json(&["bay", "topology", "c"]);
    let groups = topology["node_groups"].as_array().unwrap();
    let nodes = groups.iter().flat_map(|group| group["nodes"].as_array().unwrap());
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    nodes.map(|node| (name(node), node["components"].as_array().unwrap().iter().map(name).collect())).collect()
}

fn every_node_has_its_part_of_the_registry(server: &Server) {
    for (node, components) in components(server) {
        let has = |name: &str| components.iter().any(|component| component == name);
        assert!(has("volume") && has("registry-gateway"), "{node}: {components:?}");
        assert_eq!(has("registry"), node == "c-master-0", "{node}: {components:?}");
    }
}

/// Runs a pod with an image on the worker.
fn pod_runs(server: &Server, name: &str, image: &str) {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/web-pod.yaml");
    let pod = std::fs::read_to_string(manifest).unwrap();
    let pod = pod.replace("name: web", &format!("name: {name}")).replace(IMAGE, image);
    let file = server.scratch("pod.yaml");
    std::fs::write(&file, pod.replace("spec:\n", "spec:\n  nodeName: c-worker-0\n")).unwrap();
    server.ok(&["pod", "create", "--bay", "c", "--manifest", file.to_str().unwrap()]);
    eventually(&format!("the pod {name} of {image} runs"), PATIENCE, || {
        (server.json(&["pod", "show", name, "--bay", "c"])["status"] == "Running").then_some(())
    });
}

// Covers: W063, W070, W071.
#[test]
fn nodes_of_kubernetes_have_the_surroundings_that_their_template_says() {
    let world = World::with(IMAGE);
    let server = Server::start();
    create(&server, &world, "kubernetes", 1);
    every_node_has_its_part_of_the_registry(&server);

    for node in ["c-master-0", "c-worker-0"] {
        assert_eq!(disk_of(&server, node, "/var/lib/containerd"), (VOLUME, "ext4".to_owned()), "{node}");
    }
    assert!(!world.registry_was_asked_through_the_proxy());
    pod_runs(&server, "outer", &format!("{}/web:1", world.registry()));
    assert!(world.registry_was_asked_through_the_proxy());

    let ctr = ["ctr", "--namespace", "k8s.io", "images"];
    on(&server, "c-master-0", &[&ctr[..], &["tag", &format!("docker.io/{IMAGE}"), OWN]].concat());
    on(&server, "c-master-0", &[&ctr[..], &["push", "--plain-http", OWN]].concat());
    pod_runs(&server, "own", OWN);
    let catalog = on(&server, "c-worker-0", &["ls", "/var/lib/jeroboam"]);
    assert!(!catalog.contains("registry"), "only the master stores images: {catalog}");

    let master = server.json(&["cluster", "show", "c"])["master_addresses"][0].as_str().unwrap().to_owned();
    assert_eq!(asked_from_outside(&master, Some(&certificates(&server))), 200);
    assert_eq!(asked_from_outside(&master, None), 0, "not without a certificate of the cluster");

    // After a restart of the machine its volume is mounted again, and the images are still there.
    let container = container_of(&server.uuid_of("c"), "c-worker-0").unwrap();
    docker_output(&["restart", &container]);
    eventually("the worker is back with its volume", PATIENCE, || {
        (disk_of(&server, "c-worker-0", "/var/lib/containerd").1 == "ext4").then_some(())
    });
    eventually("its pods run again", PATIENCE, || {
        (server.json(&["pod", "show", "own", "--bay", "c"])["status"] == "Running").then_some(())
    });
    server.ok(&["bay", "delete", "c", "--watch"]);
}

// Covers: W063, W070, W071.
#[test]
fn nodes_of_a_swarm_have_the_surroundings_that_their_template_says() {
    let world = World::with(IMAGE);
    let server = Server::start();
    create(&server, &world, "swarm", 1);
    every_node_has_its_part_of_the_registry(&server);

    let info = on(&server, "c-worker-0", &["docker", "info", "--format", "{{.HTTPProxy}} {{.NoProxy}}"]);
    assert!(info.starts_with(&format!("{} proxied.example,10.9.0.0/16,localhost,", world.proxy())), "{info}");
    for node in ["c-master-0", "c-worker-0"] {
        assert_eq!(disk_of(&server, node, "/var/lib/docker"), (VOLUME, "ext4".to_owned()), "{node}");
    }
    let outer = format!("{}/web:1", world.registry());
    containers_run(&server, "outer", &outer);
    assert!(world.registry_was_asked_through_the_proxy());

    // A user pushes with the certificates of `bay config`.
    let dir = certificates(&server);
    let shown = server.json(&["cluster", "show", "c"]);
    let address = shown["api_address"].as_str().unwrap().replace("https://", "tcp://");
    let environment =
        [("DOCKER_HOST", Path::new(&address)), ("DOCKER_TLS_VERIFY", Path::new("1")), ("DOCKER_CERT_PATH", &dir)];
    run("docker", &["tag", IMAGE, OWN], &environment);
    run("docker", &["push", OWN], &environment);
    containers_run(&server, "own", OWN);

    let master = shown["master_addresses"][0].as_str().unwrap();
    assert_eq!(asked_from_outside(master, Some(&dir)), 200);
    assert_eq!(asked_from_outside(master, None), 0, "not without a certificate of the cluster");
    server.ok(&["bay", "delete", "c", "--watch"]);
}

/// Runs two containers with an image, one on each node.
fn containers_run(server: &Server, name: &str, image: &str) {
    let names = [format!("{name}-1"), format!("{name}-2")];
    let mut hosts = Vec::new();
    for name in &names {
        server.ok(&["container", "create", name, "--bay", "c", "--image", image]);
        hosts.push(eventually(&format!("the container {name} of {image} runs"), PATIENCE, || {
            let shown = server.json(&["container", "show", name, "--bay", "c"]);
            (shown["status"] == "Running").then(|| shown["host"].as_str().unwrap().to_owned())
        }));
    }
    assert_ne!(hosts[0], hosts[1], "the engine spreads them");
}
