//! Use of a Kubernetes cluster with kubectl and other tools: reads in all formats, deployments, exec, logs,
//! port-forward, cp, and services that are created and deleted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jeroboam_tests::{Server, container_of, docker_output, eventually, run};

const PATIENCE: Duration = Duration::from_secs(60);

/// An unused address of the service network.
const NOBODY: &str = "10.254.77.77";

struct Cluster {
    server: Server,
    name: &'static str,
    config: PathBuf,
}

impl Cluster {
    /// Creates a cluster with one worker.
    fn new(name: &'static str, labels: &[&str]) -> Self {
        let server = Server::start();
        server
            .ok(&[&["bay", "create", name, "--baymodel", "kubernetes", "--node-count", "1", "--watch"], labels]
                .concat());
        let dir = server.scratch("config");
        server.ok(&["bay", "config", name, "--output-certs", "--dir", dir.to_str().unwrap()]);
        Self { server, name, config: dir.join("config") }
    }

    fn kubectl(&self, args: &[&str]) -> String {
        run("kubectl", args, &[("KUBECONFIG", &self.config)])
    }

    fn node(&self, role: &str) -> String {
        container_of(&self.server.uuid_of(self.name), &format!("{}-{role}-0", self.name)).unwrap()
    }

    /// Creates the deployment and its service, and waits until it is rolled out.
    fn deploy(&self) {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/web-deployment.yaml");
        self.kubectl(&["apply", "-f", manifest.to_str().unwrap()]);
        self.kubectl(&["rollout", "status", "deployment/front", "--timeout=60s"]);
    }

    /// The name of one of the deployment's pods.
    fn pod(&self) -> String {
        let pods = self.kubectl(&["get", "pods", "-l", "app=front", "-o", "name"]);
        pods.lines().next().unwrap().trim_start_matches("pod/").to_owned()
    }

    fn service_address(&self) -> String {
        self.kubectl(&["get", "service", "front", "-o", "jsonpath={.spec.clusterIP}"])
    }

    /// Fetches a page from inside a pod; returns the page, or the error of wget.
    fn fetched_in_pod(&self, url: &str) -> Result<String, String> {
        let output = Command::new("kubectl")
            .args(["exec", &self.pod(), "--", "wget", "-q", "-O-", url])
            .env("KUBECONFIG", &self.config)
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// Waits until pods can reach the service: kube-proxy takes a moment after the pods are ready.
    fn await_service(&self, host: &str) {
        eventually("the service answers", PATIENCE, || {
            self.fetched_in_pod(&format!("http://{host}/hostname")).ok().filter(|page| page.starts_with("front-"))
        });
    }

    /// Connects from the worker itself; returns the shell's error, or nothing on success.
    fn connected_on_node(&self, address: &str, port: u16) -> String {
        let script = format!("timeout 5 bash -c 'exec 3<>/dev/tcp/{address}/{port}' 2>&1 || echo \"exit $?\"");
        docker_output(&["exec", &self.node("worker"), "bash", "-c", &script])
    }
}

/// The number of restarts of the API server, and its process id.
fn api_server(cluster: &Cluster) -> (serde_json::Value, String) {
    let topology = cluster.server.json(&["bay", "topology", cluster.name]);
    let groups = topology["node_groups"].as_array().unwrap();
    let mut components = groups
        .iter()
        .flat_map(|group| group["nodes"].as_array().unwrap())
        .flat_map(|node| node["components"].as_array().unwrap());
    let component = components.find(|component| component["name"] == "kube-apiserver").unwrap();
    let process = docker_output(&["exec", &cluster.node("master"), "pidof", "kube-apiserver"]);
    assert!(!process.is_empty());
    (component["restarts"].clone(), process)
}

#[test]
fn people_use_a_cluster_by_their_own_tools() {
    let cluster = Cluster::new("people", &[]);
    versions_are_the_same_everywhere(&cluster);
    pretty_reads_do_not_end_the_api_server(&cluster);
    cluster.deploy();
    pods_are_entered_read_and_copied_to(&cluster);
    a_port_is_forwarded(&cluster);
    what_no_service_takes_is_refused(&cluster, "nftables");
}

#[test]
fn services_work_and_end_in_iptables_mode_too() {
    let cluster = Cluster::new("tables", &["--labels", "kube_proxy_mode=iptables"]);
    cluster.deploy();
    what_no_service_takes_is_refused(&cluster, "iptables");
}

fn versions_are_the_same_everywhere(cluster: &Cluster) {
    let shown = cluster.server.json(&["bay", "show", cluster.name])["coe_version"].as_str().unwrap().to_owned();
    assert!(shown.starts_with("v1.37."), "{shown}");
    let version: serde_json::Value = serde_json::from_str(&cluster.kubectl(&["get", "--raw", "/version"])).unwrap();
    assert_eq!(
        (&version["gitVersion"], &version["major"], &version["minor"]),
        (&shown.clone().into(), &"1".into(), &"37".into())
    );
    let client = cluster.kubectl(&["version", "--client"]);
    assert!(client.contains(&shown), "the kubectl in the image: {client}");
    let nodes = cluster.kubectl(&["get", "nodes", "-o", "jsonpath={.items[*].status.nodeInfo.kubeletVersion}"]);
    assert_eq!(nodes, format!("{shown} {shown}"));
}

/// Reads that crashed the API server of Kubernetes 1.20 when it was built with a current Go.
fn pretty_reads_do_not_end_the_api_server(cluster: &Cluster) {
    let before = api_server(cluster);
    let api = cluster.server.json(&["cluster", "show", cluster.name])["api_address"].as_str().unwrap().to_owned();
    let read = |path: &str, header: &str| {
        let dir = cluster.config.parent().unwrap();
        let at = |name: &str| dir.join(name).display().to_string();
        let url = format!("{api}{path}");
        let files = ["--cacert", &at("ca.pem"), "--cert", &at("cert.pem"), "--key", &at("key.pem")];
        run("curl", &[&["-s", "--fail", "--noproxy", "*", "-H", header, &url], &files[..]].concat(), &[])
    };
    let default = "/api/v1/namespaces/default";
    assert!(
        read(&format!("{default}?pretty=true"), "Accept: application/json").contains("\n  \"kind\": \"Namespace\"")
    );
    assert!(read(default, "User-Agent: Mozilla/5.0 (X11; Linux x86_64)").contains("\n  \"kind\": \"Namespace\""));
    assert!(read(default, "User-Agent: curl/8.0").contains("\n  \"kind\": \"Namespace\""));
    assert!(read(default, "Accept: application/yaml").contains("\nkind: Namespace\n"));
    assert_eq!(api_server(cluster), before, "the API server is the same process as before");
}

fn pods_are_entered_read_and_copied_to(cluster: &Cluster) {
    let pod = cluster.pod();
    assert_eq!(cluster.kubectl(&["exec", &pod, "--", "hostname"]).trim(), pod);
    cluster.await_service("front");
    let logs = cluster.kubectl(&["logs", "-l", "app=front"]);
    assert!(logs.contains("GET /hostname"), "{logs}");

    let (there, back) = (cluster.server.scratch("there.txt"), cluster.server.scratch("back.txt"));
    std::fs::write(&there, "copied\n").unwrap();
    let in_pod = format!("{pod}:/tmp/there.txt");
    cluster.kubectl(&["cp", there.to_str().unwrap(), &in_pod]);
    cluster.kubectl(&["cp", &in_pod, back.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(back).unwrap(), "copied\n");
}

/// Kills kubectl when the test ends.
struct Forward(Child);

impl Drop for Forward {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn a_port_is_forwarded(cluster: &Cluster) {
    let child = Command::new("kubectl")
        .args(["port-forward", "service/front", ":80", "--address", "127.0.0.1"])
        .env("KUBECONFIG", &cluster.config)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut forward = Forward(child);
    // `Forwarding from 127.0.0.1:40123 -> 80`
    let mut said = String::new();
    // Kept until the end, because kubectl exits when its output is closed.
    let mut lines = BufReader::new(forward.0.stdout.take().unwrap());
    lines.read_line(&mut said).unwrap();
    let address = said.split_whitespace().nth(2).unwrap();
    let page = run("curl", &["-s", "--fail", "--noproxy", "*", &format!("http://{address}/hostname")], &[]);
    assert!(page.starts_with("front-"), "{page}");
}

fn what_no_service_takes_is_refused(cluster: &Cluster, mode: &str) {
    let configured =
        docker_output(&["exec", &cluster.node("worker"), "cat", "/var/lib/jeroboam/config/kube-proxy.yaml"]);
    assert!(configured.contains(&format!("mode: {mode}")), "{configured}");

    let address = cluster.service_address();
    let refused = "Connection refused";
    cluster.await_service(&address);
    assert_eq!(cluster.connected_on_node(&address, 80), "");
    for (address, port) in [(address.as_str(), 81), (NOBODY, 80)] {
        let said = cluster.fetched_in_pod(&format!("http://{address}:{port}/")).unwrap_err();
        assert!(said.contains(refused), "{mode}, a pod, {address}:{port}: {said}");
        let said = cluster.connected_on_node(address, port);
        assert!(said.contains(refused), "{mode}, the node, {address}:{port}: {said}");
    }
    // The cluster's DNS has an address in the same network, and the node itself answers it.
    assert_eq!(cluster.connected_on_node("10.254.0.10", 53), "");

    cluster.kubectl(&["delete", "service", "front"]);
    eventually("connections to the removed service are refused", PATIENCE, || {
        let in_pod = cluster.fetched_in_pod(&format!("http://{address}/hostname")).err()?;
        let on_node = cluster.connected_on_node(&address, 80);
        (in_pod.contains(refused) && on_node.contains(refused)).then_some(())
    });
}
