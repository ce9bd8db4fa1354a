//! The pod network between nodes: pods reach pods on other nodes directly by their addresses.
//!
//! The agent watches the cluster's nodes and configures the kernel accordingly (masters also report the readiness of
//! nodes from this watch): plain routes if the nodes share a layer-2 network ([`host_gw`]), else a VXLAN ([`vxlan`]).
//! IPv4 only, as in Magnum's clusters.

pub mod host_gw;
pub mod kernel;
pub mod masquerade;
pub mod plan;
pub mod services;
pub mod vxlan;

use std::sync::Arc;

use futures::StreamExt;
use ipnet::Ipv4Net;
use jeroboam_types::agent::PodNetwork;
use k8s_openapi::api::core::v1::Node as KubeNode;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, ResourceExt};

use self::kernel::Kernel;
use self::plan::{Neighbours, Plan};
use crate::board::Board;
use crate::engine_view::bounded;
use crate::fault::{Code, Fault};
use crate::kubernetes::node::Node;
use crate::kubernetes::readiness::Readiness;
use crate::kubernetes::{cni, kube_proxy};
use crate::watching::Patience;

/// Name of this part of the agent in reports.
pub const NAME: &str = "network";

/// Keeps the kernel's routes in sync with the cluster's nodes, forever.
///
/// # Errors
/// When the kernel rejects a change. Failures of the API server are retried.
pub async fn run(node: Arc<Node>, client: Client, board: Arc<Board>) -> Result<(), Fault> {
    board.starting(NAME);
    let failed = |error: anyhow::Error| Fault::passing(Code::NetworkFailed, NAME, format!("{error:#}"));
    let kernel = Kernel::connect().map_err(failed)?;
    let pods = network_of(&node.kubernetes.pod_cidr, "pods")?;
    masquerade::ensure(pods).await.map_err(failed)?;
    let kubernetes = &node.kubernetes;
    let services = network_of(&kubernetes.service_cidr, "services")?;
    services::ensure(kube_proxy::mode(&node), services, kubernetes.dns_address).await.map_err(failed)?;

    let mut neighbours = Neighbours::new(&node.assignment.name);
    let mut done = None;
    let mut patience = Patience::new(NAME, board.clone());
    let is_master = node.control_plane().is_some();
    let watch = || watcher::watcher(Api::<KubeNode>::all(client.clone()), watcher::Config::default()).boxed();
    let (mut events, mut readiness) = (watch(), Readiness::default());
    while let Some(event) = events.next().await {
        match &event {
            Ok(event) if is_master => {
                readiness.follow(event);
                board.engine_nodes(readiness.view().cloned().and_then(bounded));
            }
            Err(_) if is_master => {
                // Known data may be outdated, and the watch would not send it again: start over.
                (events, readiness) = (watch(), Readiness::default());
                board.engine_nodes(None);
            }
            _ => {}
        }
        match event {
            Ok(Event::Init) => neighbours.clear(),
            Ok(Event::Apply(found) | Event::InitApply(found)) => neighbours.set(&found),
            Ok(Event::Delete(gone)) => neighbours.remove(&gone.name_any()),
            Ok(Event::InitDone) => neighbours.complete(),
            Err(error) => {
                patience.wait(&error).await;
                continue;
            }
        }
        patience.reset();
        let Some(plan) = neighbours.plan() else { continue };
        if done.as_ref() != Some(&plan) {
            apply(&node, &kernel, &plan).await.map_err(failed)?;
            done = Some(plan);
        }
        board.up(NAME);
    }
    Ok(())
}

fn network_of(text: &str, what: &str) -> Result<Ipv4Net, Fault> {
    text.parse()
        .map_err(|_| Fault::permanent(Code::AssignmentInvalid, NAME, format!("{text:?} is no IPv4 network for {what}")))
}

async fn apply(node: &Node, kernel: &Kernel, plan: &Plan) -> anyhow::Result<()> {
    let mtu = match node.kubernetes.pod_network {
        PodNetwork::HostGw => host_gw::apply(node.assignment.address, kernel, plan).await?,
        PodNetwork::Vxlan => vxlan::apply(node.assignment.address, kernel, plan).await?,
    };
    // Last: pods get addresses from now on, and these must work.
    Ok(cni::set_range(plan.own, mtu)?)
}
