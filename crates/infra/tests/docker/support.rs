//! Shared by the tests of the Docker infrastructure.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, NetworkConnectRequest, VolumeCreateRequest,
};
use bollard::query_parameters::{
    CreateContainerOptions, CreateImageOptions, ListContainersOptions, ListImagesOptions, ListNetworksOptions,
    ListVolumesOptions, LogsOptions, RemoveContainerOptions, RemoveImageOptions, RemoveVolumeOptions,
};
use futures::{StreamExt, TryStreamExt};
use jeroboam_infra::catalog::{Found, Kind};
use jeroboam_infra::docker::{Docker, DockerConfig, labels};
use jeroboam_infra::{Asker, ClusterRef, Infrastructure, Machine, MachineSpec, Progress, Result};
use jeroboam_model::NodeRole;
use jeroboam_model::plan::MachineState;
use uuid::Uuid;

/// The node image, as templates name it.
pub(crate) const IMAGE: &str = "debian-13";
/// The token, which must not be visible.
pub(crate) const TOKEN: &str = "one-time-token-of-the-test";

/// Label of the test's own containers, which are not Jeroboam's.
const GUEST: &str = "org.jeroboam.test-guest";
/// How long anything here may take, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_millis(20);

/// An agent that reports that it is up and runs until SIGTERM.
const AGENT: &str = "#!/bin/sh\ntrap 'exit 0' TERM\necho agent: up\nwhile :; do sleep 1000 & wait $!; done\n";

/// A deployment of the test's own. What it leaves at the engine is removed when this is dropped.
pub(crate) struct Yard {
    pub(crate) docker: Docker,
    pub(crate) config: DockerConfig,
    /// The engine, without Jeroboam in between.
    pub(crate) engine: bollard::Docker,
    _folder: tempfile::TempDir,
}

pub(crate) fn cluster(name: &str) -> ClusterRef {
    ClusterRef { uuid: Uuid::new_v4(), name: name.into(), project_id: "p".into(), engine: "swarm".into(), number: 7 }
}

pub(crate) fn spec(name: &str, slot: u32) -> MachineSpec {
    let node = Uuid::new_v4();
    MachineSpec {
        node,
        name: name.into(),
        role: if name.contains("master") { NodeRole::Master } else { NodeRole::Worker },
        slot,
        image: IMAGE.into(),
        flavor: None,
        bootstrap: format!("{{\"token\":\"{TOKEN}\",\"node\":\"{node}\"}}"),
    }
}

/// Ensures one machine.
pub(crate) async fn ensure(docker: &Docker, cluster: &ClusterRef, spec: &MachineSpec) -> Result<Machine> {
    let mut made = docker.ensure_machines(cluster, std::slice::from_ref(spec), Progress::ignored());
    made.next().await.expect("every machine is told").1
}

/// Ensures that there is no machine.
pub(crate) async fn remove(docker: &Docker, cluster: Uuid, node: Uuid) -> Result<()> {
    let mut gone = docker.remove_machines(cluster, std::slice::from_ref(&node), Progress::ignored());
    gone.next().await.expect("every machine is told").1
}

/// The engine's socket, when it is one.
pub(crate) fn socket() -> Option<PathBuf> {
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".into());
    host.strip_prefix("unix://").map(PathBuf::from)
}

/// Waits for a condition.
pub(crate) async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::time::sleep(INTERVAL).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// A user for look-ups.
pub(crate) fn somebody() -> Asker {
    Asker { project_id: "project".to_owned(), user_id: "user".to_owned() }
}

impl Yard {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut DockerConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = DockerConfig {
            deployment: format!("test-{}", Uuid::new_v4()),
            agent_binary: folder.path().join("agent"),
            ..DockerConfig::default()
        };
        std::fs::write(&config.agent_binary, AGENT).unwrap();
        change(&mut config);
        let docker = Docker::connect(config.clone()).await.unwrap();
        let engine = bollard::Docker::connect_with_defaults().unwrap();
        let image = docker.look_up(&somebody(), Kind::Image, IMAGE).await.unwrap();
        assert!(matches!(image, Found::One(_)), "the node image is missing, from `make image`");
        Self { docker, config, engine, _folder: folder }
    }

    /// Labels as Jeroboam sets them.
    pub(crate) fn marks(&self, cluster: Uuid, node: Option<Uuid>) -> HashMap<String, String> {
        let mut marks = HashMap::from([
            (labels::DEPLOYMENT.to_owned(), self.config.deployment.clone()),
            (labels::CLUSTER.to_owned(), cluster.to_string()),
        ]);
        marks.extend(node.map(|node| (labels::NODE.to_owned(), node.to_string())));
        marks
    }

    /// Labels of an object that is not Jeroboam's.
    pub(crate) fn guest_marks(&self) -> HashMap<String, String> {
        HashMap::from([(GUEST.to_owned(), self.config.deployment.clone())])
    }

    /// Creates a container directly.
    pub(crate) async fn container(&self, name: &str, labels: HashMap<String, String>) -> String {
        let body = ContainerCreateBody {
            image: Some(format!("jeroboam/node:{IMAGE}")),
            entrypoint: Some(vec!["/bin/sleep".into(), "1000".into()]),
            labels: Some(labels),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptions { name: Some(name.into()), ..CreateContainerOptions::default() };
        self.engine.create_container(Some(options), body).await.unwrap().id
    }

    /// Creates an empty image with these labels (`NAME=VALUE`), and returns its reference.
    pub(crate) async fn image(&self, tag: &str, labels: impl Iterator<Item = &str>) -> String {
        let options = CreateImageOptions {
            from_src: Some("-".into()),
            repo: Some(self.config.deployment.clone()),
            tag: Some(tag.into()),
            changes: labels.map(|label| format!("LABEL {label}")).collect(),
            ..CreateImageOptions::default()
        };
        let files = bollard::body_full(tar::Builder::new(Vec::new()).into_inner().unwrap().into());
        let _: Vec<_> = self.engine.create_image(Some(options), Some(files), None).try_collect().await.unwrap();
        format!("{}:{tag}", self.config.deployment)
    }

    /// Attaches a container to a network directly.
    pub(crate) async fn attach(&self, container: &str, network: &str, address: &str) {
        let ipam = EndpointIpamConfig { ipv4_address: Some(address.into()), ..EndpointIpamConfig::default() };
        let endpoint = EndpointSettings { ipam_config: Some(ipam), ..EndpointSettings::default() };
        let request = NetworkConnectRequest { container: container.into(), endpoint_config: Some(endpoint) };
        self.engine.connect_network(network, request).await.unwrap();
    }

    /// Creates a volume directly.
    pub(crate) async fn volume(&self, labels: HashMap<String, String>) {
        let request = VolumeCreateRequest { labels: Some(labels), ..VolumeCreateRequest::default() };
        self.engine.create_volume(request).await.unwrap();
    }

    /// Runs a shell command in a container and returns what it printed.
    pub(crate) async fn exec(&self, container: &str, command: &str) -> String {
        let options = CreateExecOptions {
            cmd: Some(vec!["/bin/sh", "-c", command]),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let exec = self.engine.create_exec(container, options).await.unwrap();
        let StartExecResults::Attached { output, .. } = self.engine.start_exec(&exec.id, None).await.unwrap() else {
            panic!("not attached");
        };
        text(output.try_collect().await.unwrap())
    }

    /// Waits until a container has printed something.
    pub(crate) async fn until_log(&self, container: &str, words: &str) {
        until(&format!("{words:?} in the output"), async || {
            let options = LogsOptions { stdout: true, stderr: true, ..LogsOptions::default() };
            let output = self.engine.logs(container, Some(options)).try_collect().await.unwrap();
            text(output).contains(words).then_some(())
        })
        .await;
    }

    /// Waits until a node's machine is in a state.
    pub(crate) async fn until_state(&self, cluster: &ClusterRef, node: Uuid, state: MachineState) -> Machine {
        until(&format!("the machine is {state:?}"), async || {
            let mut observation = self.docker.observe(cluster.uuid).await.unwrap();
            observation.machines.remove(&node).filter(|machine| machine.state == state)
        })
        .await
    }

    /// The containers of the deployment.
    pub(crate) async fn containers(&self) -> Vec<String> {
        containers(&self.engine, labels::DEPLOYMENT, &self.config.deployment).await
    }

    /// The networks of the deployment and their subnets.
    pub(crate) async fn networks(&self) -> Vec<(String, String)> {
        networks(&self.engine, &self.config.deployment).await
    }

    /// The volumes of the deployment.
    pub(crate) async fn volumes(&self) -> Vec<String> {
        volumes(&self.engine, &self.config.deployment).await
    }

    /// Whether nothing of the deployment is left.
    pub(crate) async fn is_empty(&self) -> bool {
        self.containers().await.is_empty() && self.networks().await.is_empty() && self.volumes().await.is_empty()
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        let deployment = self.config.deployment.clone();
        let clean = async move {
            let engine = bollard::Docker::connect_with_defaults().unwrap();
            let mut left = containers(&engine, labels::DEPLOYMENT, &deployment).await;
            left.extend(containers(&engine, GUEST, &deployment).await);
            for id in left {
                let options = RemoveContainerOptions { v: true, force: true, ..RemoveContainerOptions::default() };
                let _ = engine.remove_container(&id, Some(options)).await;
            }
            for (id, _) in networks(&engine, &deployment).await {
                let _ = engine.remove_network(&id).await;
            }
            let of_test = HashMap::from([("reference".to_owned(), vec![deployment.clone()])]);
            let options = ListImagesOptions { filters: Some(of_test), ..ListImagesOptions::default() };
            for image in engine.list_images(Some(options)).await.unwrap() {
                let _ = engine.remove_image(&image.id, None::<RemoveImageOptions>, None).await;
            }
            for name in volumes(&engine, &deployment).await {
                let _ = engine.remove_volume(&name, None::<RemoveVolumeOptions>).await;
            }
        };
        // The test's own runtime cannot be blocked on from inside.
        let thread = std::thread::spawn(|| {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(clean);
        });
        let _ = thread.join();
    }
}

fn text(output: Vec<LogOutput>) -> String {
    output.into_iter().map(|chunk| String::from_utf8_lossy(&chunk.into_bytes()).into_owned()).collect()
}

fn filters(label: &str, value: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("{label}={value}")])])
}

async fn containers(engine: &bollard::Docker, label: &str, value: &str) -> Vec<String> {
    let options =
        ListContainersOptions { all: true, filters: Some(filters(label, value)), ..ListContainersOptions::default() };
    let containers = engine.list_containers(Some(options)).await.unwrap();
    containers.into_iter().filter_map(|container| container.id).collect()
}

async fn networks(engine: &bollard::Docker, deployment: &str) -> Vec<(String, String)> {
    let options = ListNetworksOptions { filters: Some(filters(labels::DEPLOYMENT, deployment)) };
    let networks = engine.list_networks(Some(options)).await.unwrap();
    let subnet = |network: &bollard::models::Network| network.ipam.clone()?.config?.first()?.subnet.clone();
    networks.into_iter().map(|network| (network.id.clone().unwrap(), subnet(&network).unwrap_or_default())).collect()
}

async fn volumes(engine: &bollard::Docker, deployment: &str) -> Vec<String> {
    let options = ListVolumesOptions { filters: Some(filters(labels::DEPLOYMENT, deployment)) };
    let volumes = engine.list_volumes(Some(options)).await.unwrap().volumes.unwrap_or_default();
    volumes.into_iter().map(|volume| volume.name).collect()
}
