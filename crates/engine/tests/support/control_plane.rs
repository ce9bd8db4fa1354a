//! A real kube-apiserver with a real etcd, on loopback, without nodes: the tests write what a kubelet would report.
//! `scripts/install-tools engines` links both into the cache's folder `bin`, which `make` has on the PATH.

use std::time::Duration;

use jeroboam_engine::kubernetes::{Kubernetes, Workloads};
use jeroboam_engine::{Access, Engine as _};
use k8s_openapi::api::core::v1::{Namespace, Node, Pod};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Authority, Pair, Process, eventually, free_port, program};

/// How long the API server may take to come up on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
pub(crate) const VERSION: &str = "v1.37.2";
pub(crate) const SYSTEM_MASTERS: Option<&str> = Some("system:masters");

/// A control plane of one test.
pub(crate) struct ControlPlane {
    pub(crate) apiserver: Process,
    _etcd: Process,
    pub(crate) authority: Authority,
    pub(crate) port: u16,
    pub(crate) access: Access,
    pub(crate) client: Client,
    _folder: tempfile::TempDir,
}

impl ControlPlane {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let (client_port, peer_port, port) = (free_port(), free_port(), free_port());
        let etcd_url = format!("http://127.0.0.1:{client_port}");
        let peer_url = format!("http://127.0.0.1:{peer_port}");
        let mut etcd = Process::start(
            "etcd",
            program("etcd").env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).args([
                format!("--data-dir={}", at("etcd")),
                format!("--listen-client-urls={etcd_url}"),
                format!("--advertise-client-urls={etcd_url}"),
                format!("--listen-peer-urls={peer_url}"),
                format!("--initial-advertise-peer-urls={peer_url}"),
                format!("--initial-cluster=default={peer_url}"),
            ]),
            folder.path(),
        );
        let authority = Authority::new();
        let server = authority.issue("kube-apiserver", None, &["127.0.0.1".parse().unwrap()]);
        for (name, content) in
            [("ca.crt", &authority.certificate), ("server.crt", &server.certificate), ("server.key", &server.key)]
        {
            std::fs::write(at(name), content).unwrap();
        }
        let mut apiserver = Process::start(
            "kube-apiserver",
            program("kube-apiserver").args([
                format!("--etcd-servers={etcd_url}"),
                "--bind-address=127.0.0.1".to_owned(),
                format!("--secure-port={port}"),
                // A loopback address cannot be an endpoint.
                "--endpoint-reconciler-type=none".to_owned(),
                format!("--client-ca-file={}", at("ca.crt")),
                format!("--tls-cert-file={}", at("server.crt")),
                format!("--tls-private-key-file={}", at("server.key")),
                "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
                format!("--service-account-signing-key-file={}", at("server.key")),
                format!("--service-account-key-file={}", at("server.crt")),
                "--service-cluster-ip-range=10.254.0.0/16".to_owned(),
                "--authorization-mode=Node,RBAC".to_owned(),
                // No controller creates service accounts here.
                "--disable-admission-plugins=ServiceAccount".to_owned(),
            ]),
            folder.path(),
        );
        let admin = authority.issue("jeroboam", SYSTEM_MASTERS, &[]);
        let access = access(port, &authority.certificate, &admin);
        let kubernetes = Kubernetes::new();
        eventually(START_LIMIT, async || {
            etcd.check();
            apiserver.check();
            let report = kubernetes.health(&access).await;
            if report.reason.get("api").is_some_and(|api| api == "ok") { Ok(()) } else { Err(format!("{report:?}")) }
        })
        .await;
        let client = client(port, &authority.certificate, &admin);
        let namespaces: Api<Namespace> = Api::all(client.clone());
        eventually(START_LIMIT, async || {
            let names = ["default", "kube-system"];
            match namespaces.list(&ListParams::default()).await {
                Ok(list) if names.iter().all(|name| list.items.iter().any(|n| n.name_any() == *name)) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        Self { apiserver, _etcd: etcd, authority, port, access, client, _folder: folder }
    }

    pub(crate) async fn workloads(&self) -> Workloads {
        Kubernetes::new().workloads(&self.access).await.unwrap()
    }

    /// Another user of the cluster.
    pub(crate) fn user(&self, name: &str) -> Client {
        client(self.port, &self.authority.certificate, &self.authority.issue(name, None, &[]))
    }

    /// A node as its kubelet would register it.
    pub(crate) async fn add_node(&self, name: &str, ready: bool, labels: Value) {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let node = json!({"metadata": {"name": name, "labels": labels}});
        nodes.create(&PostParams::default(), &serde_json::from_value(node).unwrap()).await.unwrap();
        let status = json!({"status": {
            "conditions": [{"type": "Ready", "status": if ready { "True" } else { "Unknown" },
                            "message": "Kubelet stopped posting node status."}],
            "nodeInfo": {"kubeletVersion": VERSION, "containerRuntimeVersion": "containerd://2.4.2",
                "architecture": "", "bootID": "", "kernelVersion": "", "kubeProxyVersion": "", "machineID": "",
                "operatingSystem": "", "osImage": "", "systemUUID": ""}}});
        nodes.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    }

    pub(crate) async fn add_pod(&self, name: &str, node: &str, edit: impl FnOnce(&mut Value)) {
        let mut pod = json!({"metadata": {"name": name, "labels": {"app": "a"}},
            "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]}});
        edit(&mut pod);
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), "default");
        pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    }

    pub(crate) async fn pod_names(&self) -> Vec<String> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), "default");
        pods.list(&ListParams::default()).await.unwrap().iter().map(ResourceExt::name_any).collect()
    }
}

pub(crate) fn access(port: u16, ca: &str, pair: &Pair) -> Access {
    Access {
        cluster: Uuid::from_u128(1),
        api_address: format!("https://127.0.0.1:{port}"),
        masters: Vec::new(),
        ca: ca.to_owned(),
        certificate: pair.certificate.clone(),
        key: pair.key.clone(),
    }
}

/// kube's own client, from its own configuration, independent of ours.
fn client(port: u16, ca: &str, pair: &Pair) -> Client {
    use kube::config::{KubeConfigOptions, Kubeconfig};
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let kubeconfig: Kubeconfig = serde_json::from_value(json!({
        "clusters": [{"name": "c", "cluster": {"server": format!("https://127.0.0.1:{port}"),
                      "certificate-authority": write("ca", ca)}}],
        "users": [{"name": "u", "user": {"client-certificate": write("crt", &pair.certificate),
                   "client-key": write("key", &pair.key)}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }))
    .unwrap();
    let config =
        futures::executor::block_on(kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()))
            .unwrap();
    Client::try_from(config).unwrap()
}
