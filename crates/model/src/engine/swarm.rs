//! The engine Docker Swarm (Docker Engines in swarm mode).

use std::net::{IpAddr, SocketAddr};

use jeroboam_types::agent::{EngineAssignment, SwarmAssignment, SwarmMembership};

use super::{Descriptor, Driver, Registration};
use crate::assignment::{Source, masters};
use crate::{FieldError, Node, NodePhase, NodeRole};

/// Port for traffic among managers and for joining nodes (fixed by the Docker Engine).
const SWARM_PORT: u16 = 2377;

pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "swarm",
    // Name of the newer one of Magnum's two swarm drivers.
    aliases: &["swarm-mode"],
    api: "Docker",
    authorities: &["kubernetes"],
    keys: &[],
    // Registered with IANA as `docker-s`.
    api_port: 2376,
    master_ports: &[(SWARM_PORT..=SWARM_PORT, "the swarm"), (7946..=7946, "the swarm")],
    network_driver: Driver { offered: "docker", known: "flannel" },
    volume_driver: "rexray",
    is_versioned: false,
    marks_nodes: false,
    check_labels: |_, _| Ok(()),
    check_networks: |_, _| Ok(()),
    assign,
};

inventory::submit! { Registration::of(&DESCRIPTOR) }

fn assign(source: &Source<'_>, node: &Node, _address: IpAddr) -> Result<Option<EngineAssignment>, FieldError> {
    Ok(source.secrets.ca.clone().map(|ca| {
        let (api_port, membership) = (node.target.api_port, membership(source, node));
        EngineAssignment::Swarm(SwarmAssignment { ca, api_port, membership })
    }))
}

/// The first master initializes the swarm; all others join through the masters. Once other masters run the swarm, the
/// first one joins as well: it may be a new machine, and a second swarm must never be initialized.
fn membership(source: &Source<'_>, node: &Node) -> Option<SwarmMembership> {
    let masters = masters(source.nodes);
    let others = masters.iter().copied().filter(|master| master.uuid != node.uuid);
    let through = |managers: Vec<&Node>| -> Vec<String> {
        managers
            .into_iter()
            .filter_map(|master| master.address)
            .map(|address| SocketAddr::new(address, SWARM_PORT).to_string())
            .collect()
    };
    let token = match node.role {
        NodeRole::Master => source.secrets.swarm_manager_token.clone(),
        NodeRole::Worker => source.secrets.swarm_worker_token.clone(),
    };
    let founder = masters.first().is_some_and(|master| master.uuid == node.uuid);
    let managers = if founder {
        through(others.filter(|master| master.phase() == Some(NodePhase::Up)).collect())
    } else {
        through(others.collect())
    };
    match token {
        Some(token) if !managers.is_empty() => Some(SwarmMembership::Join { token, managers }),
        _ if founder => Some(SwarmMembership::Init),
        _ => None,
    }
}
