//! One network per cluster, with a subnet that we choose: only then does the engine let us choose addresses, and only
//! chosen addresses stay the same after a restart of the engine or a container.

use std::time::Duration;

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest, NetworkDisconnectRequest};
use bollard::query_parameters::{InspectNetworkOptions, ListNetworksOptions};
use ipnet::Ipv4Net;
use jeroboam_model::{Cause, CauseExt, Code};
use jiff::Timestamp;
use uuid::Uuid;

use super::engine::{CHANGE, Engine, LOOK};
use super::labels::{self, Filters, Labels};
use super::{Docker, container, subnet, volume};
use crate::{ClusterRef, Progress, Result};

/// How many subnets to try before giving up. The engine refuses a subnet that was taken concurrently, or that is in use
/// in a way that its list does not show.
const SUBNET_ATTEMPTS: usize = 16;

/// Attempts to remove a network whose containers are being removed, and the pause between them: an endpoint is gone
/// some milliseconds after its container.
const REMOVE_ATTEMPTS: usize = 20;
const REMOVE_INTERVAL: Duration = Duration::from_millis(100);

/// The engine's default bridge.
pub(super) const DEFAULT_BRIDGE: &str = "bridge";
/// Option of a bridge network: its MTU in bytes.
const MTU: &str = "com.docker.network.driver.mtu";

/// A network as the engine lists it.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) name: String,
    /// `None` for a network without addresses, or with IPv6 only.
    pub(super) subnet: Option<Ipv4Net>,
    pub(super) labels: Labels,
    pub(super) created: Option<Timestamp>,
}

/// The networks that match the filters, oldest first.
pub(super) async fn list(engine: &Engine, filters: Option<Filters>) -> Result<Vec<Found>> {
    let options = ListNetworksOptions { filters };
    let networks = engine.call("Looking for networks", LOOK, engine.docker.list_networks(Some(options))).await?;
    let mut found: Vec<Found> = networks
        .into_iter()
        .filter_map(|network| {
            let subnet = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default().into_iter().find_map(subnet_of);
            let created = network.created.and_then(|created| created.parse().ok());
            let (id, name) = (network.id?, network.name.unwrap_or_default());
            Some(Found { id, name, subnet, labels: network.labels.unwrap_or_default(), created })
        })
        .collect();
    found.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    Ok(found)
}

fn subnet_of(config: IpamConfig) -> Option<Ipv4Net> {
    config.subnet?.parse().ok()
}

/// The cluster's network and its subnet. If there are two, all servers use the oldest.
pub(super) async fn of_cluster(docker: &Docker, engine: &Engine, cluster: Uuid) -> Result<Option<(String, Ipv4Net)>> {
    let networks = list(engine, Some(labels::cluster_is(docker, cluster))).await?;
    Ok(networks.into_iter().find_map(|network| Some((network.id, network.subnet?))))
}

/// Ensures that the cluster has its network.
pub(super) async fn ensure(
    docker: &Docker,
    engine: &Engine,
    cluster: &ClusterRef,
    progress: &Progress,
) -> Result<String> {
    // The engine allows two networks of one name. Within this process the lock prevents that; between processes the
    // check after the creation handles it.
    let _making = docker.networks.lock().await;
    if let Some((id, _)) = of_cluster(docker, engine, cluster.uuid).await? {
        return Ok(id);
    }
    progress.of_network("choosing a subnet and creating the network");
    let made = make(docker, engine, cluster).await?;
    match of_cluster(docker, engine, cluster.uuid).await? {
        Some((id, _)) if id != made => {
            remove_one(engine, &made).await?;
            Ok(id)
        }
        _ => Ok(made),
    }
}

async fn make(docker: &Docker, engine: &Engine, cluster: &ClusterRef) -> Result<String> {
    let pool = docker.config.address_pool;
    let doing = format!("Creating the network of cluster {}", cluster.name);
    let mut taken: Vec<Ipv4Net> = list(engine, None).await?.iter().filter_map(|network| network.subnet).collect();
    if engine.facts.local {
        let table = tokio::fs::read_to_string("/proc/net/route").await.unwrap_or_default();
        taken.extend(subnet::routes_inside(pool, &table));
    }
    let options = bridge(engine).await?.and_then(|bridge| bridge.mtu).map(|mtu| Labels::from([(MTU.to_owned(), mtu)]));

    for _ in 0..SUBNET_ATTEMPTS {
        let Some(subnet) = subnet::free(pool, &taken, cluster.uuid) else { break };
        let request = NetworkCreateRequest {
            name: labels::network_name(cluster.uuid),
            driver: Some("bridge".to_owned()),
            ipam: Some(Ipam {
                driver: Some("default".to_owned()),
                config: Some(vec![IpamConfig {
                    subnet: Some(subnet.to_string()),
                    gateway: Some(subnet::gateway(subnet).to_string()),
                    ..IpamConfig::default()
                }]),
                options: None,
            }),
            options: options.clone(),
            labels: Some(labels::of_cluster(docker, cluster)),
            ..NetworkCreateRequest::default()
        };
        match engine.call(doing.as_str(), CHANGE, engine.docker.create_network(request)).await {
            Ok(network) => return Ok(network.id),
            Err(failure) if failure.says("overlap") || failure.says("conflicts with network") => taken.push(subnet),
            Err(failure) => return Err(failure.into()),
        }
    }
    Err(Cause::operator(
        Code::AddressPoolExhausted,
        format!("{doing}: no subnet of the address pool {pool} is free."),
        "Delete clusters that are not needed, or give Jeroboam a larger address pool.",
    ))
}

/// Ensures that the cluster has no network, and that nothing else with its label is left.
pub(super) async fn remove(docker: &Docker, engine: &Engine, cluster: Uuid, progress: &Progress) -> Result<()> {
    let filters = || labels::cluster_is(docker, cluster);
    let containers = container::list(engine, filters()).await?;
    progress.of_network(format!("removing {} containers that are left", containers.len()));
    container::remove_all(engine, &containers).await?;
    progress.of_network("removing the network and volumes that are left");
    let networks = list(engine, Some(filters())).await?;
    let networks = networks.iter().map(|network| remove_one(engine, &network.id));
    let (networks, volumes) =
        futures::join!(futures::future::join_all(networks), volume::remove_all(engine, filters()));
    networks.into_iter().collect::<Result<()>>()?;
    volumes
}

/// Ensures that a network is gone, even with containers attached to it.
async fn remove_one(engine: &Engine, id: &str) -> Result<()> {
    let doing = || format!("Removing the network {id:.12}");
    for attempt in 1.. {
        match engine.call(doing(), CHANGE, engine.docker.remove_network(id)).await {
            Err(failure) if failure.says("active endpoints") && attempt < REMOVE_ATTEMPTS => {
                detach_all(engine, id).await;
                tokio::time::sleep(REMOVE_INTERVAL).await;
            }
            Err(failure) if !failure.is_gone() => return Err(failure.into()),
            _ => break,
        }
    }
    Ok(())
}

/// Disconnects all containers from the network: only those of others can still be attached. A failure shows when the
/// network is removed.
async fn detach_all(engine: &Engine, id: &str) {
    let look = engine.docker.inspect_network(id, None::<InspectNetworkOptions>);
    let Ok(network) = engine.call("Looking at a network", LOOK, look).await else { return };
    for container in network.containers.unwrap_or_default().into_keys() {
        tracing::info!(network = id, container, "disconnecting a container from a network that is being removed");
        let request = NetworkDisconnectRequest { container, force: Some(true) };
        let detach = engine.docker.disconnect_network(id, request);
        if let Err(failure) = engine.call("Disconnecting a container from a network", CHANGE, detach).await {
            tracing::debug!(network = id, error = %failure.error, "a container could not be disconnected");
        }
    }
}

/// The relevant properties of the engine's default bridge.
pub(super) struct Bridge {
    /// Address of the engine's machine on it.
    pub(super) gateway: Option<std::net::Ipv4Addr>,
    mtu: Option<String>,
}

/// The engine's default bridge; `None` when the engine is configured without one.
pub(super) async fn bridge(engine: &Engine) -> Result<Option<Bridge>> {
    let look = engine.docker.inspect_network(DEFAULT_BRIDGE, None::<InspectNetworkOptions>);
    let network = match engine.call("Looking at the Docker Engine's default bridge", LOOK, look).await {
        Ok(network) => network,
        Err(failure) if failure.is_gone() => return Ok(None),
        Err(failure) => return Err(failure.into()),
    };
    // The gateway is listed only once a container was attached; before that, assume the first address, as usual.
    let gateway = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default().into_iter().find_map(|config| {
        let listed = config.gateway.as_deref().and_then(|gateway| gateway.parse().ok());
        listed.or_else(|| subnet_of(config).map(subnet::gateway))
    });
    Ok(Some(Bridge { gateway, mtu: network.options.and_then(|mut options| options.remove(MTU)) }))
}
