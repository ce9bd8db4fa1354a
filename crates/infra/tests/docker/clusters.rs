//! Clusters: their networks and objects, and objects of others.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use jeroboam_infra::docker::Docker;
use jeroboam_infra::{Infrastructure, Machine, Progress};
use jeroboam_model::WhoMustAct;
use jeroboam_model::plan::MachineState;
use uuid::Uuid;

use crate::support::{Yard, cluster, ensure, remove, spec};

#[tokio::test]
async fn two_clusters_at_once_get_different_subnets_of_the_pool() {
    // Room for four clusters.
    let yard = Yard::with(|config| config.address_pool = "10.88.4.0/22".parse().unwrap()).await;
    let other = Docker::connect(yard.config.clone()).await.unwrap();
    let clusters = ["a", "b", "c", "d"].map(cluster);
    let (a, b, c, d) = futures::join!(
        yard.docker.ensure_network(&clusters[0], Progress::ignored()),
        other.ensure_network(&clusters[1], Progress::ignored()),
        yard.docker.ensure_network(&clusters[2], Progress::ignored()),
        other.ensure_network(&clusters[3], Progress::ignored()),
    );
    let ids: HashSet<String> = [a, b, c, d].into_iter().map(|network| network.unwrap().id).collect();
    assert_eq!(ids.len(), 4);
    let subnets: HashSet<String> = yard.networks().await.into_iter().map(|(_, subnet)| subnet).collect();
    assert_eq!(subnets, ["10.88.4.0/24", "10.88.5.0/24", "10.88.6.0/24", "10.88.7.0/24"].map(String::from).into());

    let cause = yard.docker.ensure_network(&cluster("e"), Progress::ignored()).await.unwrap_err();
    assert_eq!((cause.code.as_str(), cause.who_must_act), ("address_pool_exhausted", WhoMustAct::Operator));
    yard.docker.remove_network(clusters[0].uuid, Progress::ignored()).await.unwrap();
    yard.docker.ensure_network(&cluster("e"), Progress::ignored()).await.unwrap();
}

#[tokio::test]
async fn removing_the_network_takes_everything_that_carries_the_clusters_mark() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("leftovers"), spec("leftovers-master-0", 0));
    let network = yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    ensure(&yard.docker, &cluster, &node).await.unwrap();
    yard.container("leftovers-stray", yard.marks(cluster.uuid, None)).await;
    yard.volume(yard.marks(cluster.uuid, Some(Uuid::new_v4()))).await;
    // A container that is not ours, attached to our network.
    let guest = yard.container("leftovers-guest", yard.guest_marks()).await;
    yard.engine.start_container(&guest, None).await.unwrap();
    let (_, subnet) = yard.networks().await.remove(0);
    yard.attach(&guest, &network.id, &subnet.replace(".0/24", ".200")).await;

    assert_eq!(yard.docker.clusters().await.unwrap(), [cluster.uuid]);
    yard.docker.remove_network(cluster.uuid, Progress::ignored()).await.unwrap();
    assert!(yard.is_empty().await);
    assert_eq!(yard.docker.clusters().await.unwrap(), Vec::<Uuid>::new());
    yard.docker.remove_network(cluster.uuid, Progress::ignored()).await.unwrap();
    let guest = yard.engine.inspect_container(&guest, None).await.unwrap();
    assert_eq!(guest.state.unwrap().running, Some(true), "a guest is disconnected, not killed");
}

#[tokio::test]
async fn another_deployments_things_are_left_alone() {
    let (yard, stranger) = (Yard::new().await, Yard::new().await);
    let (cluster, node) = (cluster("ours"), spec("ours-master-0", 0));
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    ensure(&yard.docker, &cluster, &node).await.unwrap();
    assert_eq!(stranger.docker.clusters().await.unwrap(), Vec::<Uuid>::new());
    remove(&stranger.docker, cluster.uuid, node.node).await.unwrap();
    stranger.docker.remove_network(cluster.uuid, Progress::ignored()).await.unwrap();
    let observation = yard.docker.observe(cluster.uuid).await.unwrap();
    assert_eq!(observation.machines[&node.node].state, MachineState::Running);
}

#[tokio::test]
async fn containers_without_a_node_are_strays_and_only_strays_are_removed_as_such() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("strays"), spec("strays-master-0", 0));
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let machine = ensure(&yard.docker, &cluster, &node).await.unwrap();
    let nobodys = yard.container("strays-nobodys", yard.marks(cluster.uuid, None)).await;
    let second = yard.container("strays-second", yard.marks(cluster.uuid, Some(node.node))).await;

    let observation = yard.docker.observe(cluster.uuid).await.unwrap();
    assert_eq!(observation.machines[&node.node], machine);
    let strays: HashSet<String> = observation.strays.into_iter().collect();
    assert_eq!(strays, HashSet::from([nobodys.clone(), second.clone()]));

    for id in [&nobodys, &second, &second, &machine.id] {
        yard.docker.remove_stray(cluster.uuid, id).await.unwrap();
    }
    let observation = yard.docker.observe(cluster.uuid).await.unwrap();
    assert_eq!((observation.machines.len(), observation.strays.len()), (1, 0));
}

#[tokio::test]
async fn three_machines_come_up_side_by_side_reach_each_other_and_leave_nothing() {
    let yard = Yard::new().await;
    let cluster = cluster("three");
    let nodes = [spec("three-master-0", 0), spec("three-worker-0", 1), spec("three-worker-1", 2)];
    let start = Instant::now();
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let network = start.elapsed();
    let make = nodes.iter().map(|node| ensure(&yard.docker, &cluster, node));
    let machines: Vec<Machine> = futures::future::try_join_all(make).await.unwrap();
    let made = start.elapsed();

    let addresses: Vec<Ipv4Addr> = machines.iter().filter_map(|machine| v4(machine.address)).collect();
    assert_eq!(addresses.iter().collect::<HashSet<_>>().len(), 3);
    for (node, machine) in nodes.iter().zip(&machines) {
        assert_eq!(yard.exec(&machine.id, "cat /proc/sys/kernel/hostname").await.trim(), node.name);
        // A route to the others through the cluster's own network.
        let route = yard.exec(&machine.id, &format!("ip route get {}", addresses[0])).await;
        assert!(route.contains("eth0") || route.contains("dev lo"), "{route}");
    }

    let start = Instant::now();
    let remove = nodes.iter().map(|node| remove(&yard.docker, cluster.uuid, node.node));
    futures::future::try_join_all(remove).await.unwrap();
    let machines_gone = start.elapsed();
    yard.docker.remove_network(cluster.uuid, Progress::ignored()).await.unwrap();
    let gone = start.elapsed();
    assert!(yard.is_empty().await);
    assert_eq!(yard.docker.clusters().await.unwrap(), Vec::<Uuid>::new());
    eprintln!("network {network:?}, with 3 machines {made:?}; machines gone {machines_gone:?}, network gone {gone:?}");
}

fn v4(address: Option<IpAddr>) -> Option<Ipv4Addr> {
    match address {
        Some(IpAddr::V4(address)) => Some(address),
        _ => None,
    }
}
