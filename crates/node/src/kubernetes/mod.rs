//! A Kubernetes node: its components, in the order of their dependencies.
//!
//! One file per component contains its arguments and their dependence on the version. Everything here is idempotent: a
//! newer assignment repeats all steps, and only what changed is restarted.

pub mod certificates;
pub mod clients;
pub mod cni;
pub mod containerd;
pub mod etcd;
pub mod kube_apiserver;
pub mod kube_controller_manager;
pub mod kube_proxy;
pub mod kube_scheduler;
pub mod kubeconfig;
pub mod kubelet;
pub mod layout;
pub mod leader_election;
pub mod node;
pub mod pod_ranges;
pub mod readiness;
pub mod registration;
#[cfg(test)]
pub(crate) mod testing;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jeroboam_types::agent::{Assignment, CertificateProfile as Profile, KubernetesAssignment, NodeRole};

use self::clients::Clients;
use self::node::{Machine, Node};
use crate::certificates::NAME as CERTIFICATES;
use crate::fault::{Code, Fault};
use crate::images::{self, Runtime};
use crate::machine::volume;
use crate::process::Probe;
use crate::tools::{Tools, patiently};
use crate::{dns, network, registry, renewal};

/// Order in which components are stopped: controllers and kubelet before the data stores.
pub const STOP_ORDER: [&[&str]; 3] = [
    &[kubelet::NAME, kube_proxy::NAME, kube_scheduler::NAME, kube_controller_manager::NAME],
    &[kube_apiserver::NAME, containerd::NAME],
    &[etcd::NAME],
];

/// Makes the machine the Kubernetes node of this assignment and keeps its network and DNS in sync with the cluster.
/// Returns only on failure.
///
/// # Errors
/// The reason of a failure.
pub async fn run(tools: &Tools, assignment: &Assignment, kubernetes: &KubernetesAssignment) -> Result<(), Fault> {
    let names = components(assignment);
    tools.board.begin(assignment.revision, &names);
    tools.supervisor.keep_only(&names).await;
    let machine = Machine {
        container: tools.container,
        can_raise_limits: crate::machine::facts::can_raise_limits(),
        has_pause_image: images::has_pause(),
        nftables: crate::machine::facts::has_nftables(),
        withheld: crate::machine::cgroup::withheld(),
    };
    let node = Arc::new(Node::new(assignment, kubernetes, machine)?);
    check_binaries(&node)?;
    cni::install(&node)?;
    tools.board.facts(|facts| facts.engine = Some(kubernetes.version.clone()));

    loop {
        let bring_up = BringUp { tools, node: &node, to_start: AtomicUsize::new(PARTS) };
        let parts = async { tokio::try_join!(bring_up.runtime(), bring_up.with_certificates()) };
        tokio::select! {
            ended = parts => return ended.map(drop),
            // Programs reload changed files themselves. Here the agent itself reloads them.
            () = renewal::renewed(|| certificates::ensure(&node, &tools.home)) => {}
        }
    }
}

/// Names of all components of the node, in the order of their dependencies.
fn components(assignment: &Assignment) -> Vec<&'static str> {
    let master = [etcd::NAME, kube_apiserver::NAME, kube_controller_manager::NAME, kube_scheduler::NAME];
    let mut names = vec![CERTIFICATES];
    names.extend(assignment.container_volume.map(|_| volume::NAME));
    names.extend([containerd::NAME, images::NAME]);
    if assignment.role == NodeRole::Master {
        names.extend(master);
    }
    names.extend([kubelet::NAME, kube_proxy::NAME, network::NAME, dns::NAME]);
    names.extend(registry::components(assignment));
    names
}

/// Fails early and clearly when this machine does not have the requested version.
fn check_binaries(node: &Node) -> Result<(), Fault> {
    let binary = node.layout.binary(kubelet::NAME);
    if binary.exists() {
        return Ok(());
    }
    let message = format!(
        "Kubernetes {} is not on this machine ({} is missing): use a node image that contains it",
        node.kubernetes.version,
        binary.display()
    );
    Err(Fault::permanent(Code::VersionUnavailable, kubelet::NAME, message))
}

/// Number of parts whose components have certificates: the control plane, and what every node runs.
const PARTS: usize = 2;

struct BringUp<'a> {
    tools: &'a Tools,
    node: &'a Arc<Node>,
    /// How many of [`PARTS`] have components that are not started yet.
    to_start: AtomicUsize,
}

impl BringUp<'_> {
    /// The container runtime needs no certificates: it starts in parallel with everything else, and imports its images.
    async fn runtime(&self) -> Result<(), Fault> {
        let Tools { board, supervisor, .. } = self.tools;
        if let Some(size) = self.node.assignment.container_volume {
            volume::ensure(board, size, containerd::DATA).await?;
        }
        supervisor.ensure(containerd::spec(self.node), containerd::probe()).await;
        supervisor.ready(containerd::NAME).await;
        if let Some(version) = containerd::version().await {
            board.facts(|facts| facts.runtime = Some(format!("containerd {version}")));
            board.component(containerd::NAME, |component| component.version = Some(version));
        }
        if board.is_up(images::NAME) {
            return Ok(());
        }
        board.starting(images::NAME);
        images::import_pause().await?;
        // Unpacking other images would slow down the start of the node itself.
        supervisor.ready(network::NAME).await;
        images::import_others(Runtime::Containerd).await?;
        board.up(images::NAME);
        Ok(())
    }

    async fn with_certificates(&self) -> Result<(), Fault> {
        let Tools { board, home, .. } = self.tools;
        board.starting(CERTIFICATES);
        certificates::ensure(self.node, home).await?;
        board.up(CERTIFICATES);
        registry::start(self.tools, &self.node.assignment).await?;
        let clients = Clients::new(self.node)?;
        let registry = async {
            patiently(board, || registry::gateway(board, &self.node.assignment)).await;
            Ok(())
        };
        tokio::try_join!(self.control_plane(&clients), self.workers_part(&clients), registry)?;
        Ok(())
    }

    /// Records that a part has started all its components. After the last part, all run with this assignment's
    /// certificates.
    fn started(&self) {
        if self.to_start.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.tools.board.authorities(self.node.assignment.authorities);
        }
    }

    /// Starts etcd, then the API server, then its clients.
    async fn control_plane(&self, clients: &Clients) -> Result<(), Fault> {
        if self.node.control_plane().is_none() {
            self.started();
            return Ok(());
        }
        let Tools { supervisor, .. } = self.tools;
        // Only wait until the dependency listens, not until it is ready: each component retries until it is answered,
        // and takes a second to start in which the dependency becomes ready.
        supervisor.ensure(etcd::spec(self.node), etcd::probe(&clients.plain)).await;
        etcd::listens(self.node).wait().await;
        supervisor.ensure(kube_apiserver::spec(self.node), kube_apiserver::probe(self.node, &clients.cluster)).await;
        // Both exit after ten seconds without an answer.
        let url = self.node.local_api();
        Probe::Answers { client: clients.cluster.clone(), url }.wait().await;
        let managers = async {
            supervisor
                .ensure(
                    kube_controller_manager::spec(self.node),
                    kube_controller_manager::probe(&clients.own_certificate),
                )
                .await;
            supervisor.ensure(kube_scheduler::spec(self.node), kube_scheduler::probe(&clients.own_certificate)).await;
            self.started();
        };
        let administrator = clients::kube(self.node, Profile::KubeApiserverKubeletClient).await?;
        let board = &self.tools.board;
        tokio::join!(
            managers,
            registration::ensure(self.node, administrator.clone()),
            patiently(board, || pod_ranges::run(self.node.clone(), administrator.clone(), board.clone())),
        );
        Ok(())
    }

    /// Starts what every node runs, including masters.
    async fn workers_part(&self, clients: &Clients) -> Result<(), Fault> {
        let Tools { board, supervisor, .. } = self.tools;
        // Not until the API server is ready: kubelet takes a second to start, in which the API server creates its
        // built-in roles.
        supervisor.ready(containerd::NAME).await;
        self.node.api().wait().await;
        supervisor.ensure(kubelet::spec(self.node), kubelet::probe(&clients.plain)).await;
        let proxy = async {
            // If started earlier, it is refused, and waits for seconds before it retries.
            kube_proxy::has_something_to_do(self.node).await?;
            supervisor.ensure(kube_proxy::spec(self.node), kube_proxy::probe(&clients.plain)).await;
            self.started();
            Ok::<_, Fault>(())
        };
        let watching = clients::kube(self.node, Profile::NodeAgent).await?;
        // A failure of one of these two must not stop anything else.
        let agents_own = async {
            tokio::join!(
                patiently(board, || network::run(self.node.clone(), watching.clone(), board.clone())),
                patiently(board, || dns::run(self.node.clone(), watching.clone(), board.clone())),
            );
            Ok(())
        };
        tokio::try_join!(proxy, agents_own).map(drop)
    }
}
