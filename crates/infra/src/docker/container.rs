//! Lists and removes containers.

use std::net::IpAddr;
use std::time::Duration;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use bollard::query_parameters::{InspectContainerOptions, ListContainersOptions, RemoveContainerOptions};
use jeroboam_model::plan::MachineState;

use super::engine::{CHANGE, Engine, LOOK};
use super::labels::{self, Filters};
use crate::{Machine, Result};

/// Between two checks whether a container is gone that is already being removed.
const GONE_INTERVAL: Duration = Duration::from_millis(100);

/// All containers that match the labels, running or not.
pub(super) async fn list(engine: &Engine, filters: Filters) -> Result<Vec<ContainerSummary>> {
    let options = ListContainersOptions { all: true, filters: Some(filters), ..ListContainersOptions::default() };
    Ok(engine.call("Looking for containers", LOOK, engine.docker.list_containers(Some(options))).await?)
}

/// The state of a container. One that the engine is about to restart counts as running: it keeps its address and data,
/// like a machine that reboots.
pub(super) fn state(container: &ContainerSummary) -> MachineState {
    use ContainerSummaryStateEnum as Engine;
    match container.state {
        Some(Engine::CREATED | Engine::EMPTY) | None => MachineState::Created,
        Some(Engine::RUNNING) if is_cut_off(container) => MachineState::CutOff,
        Some(Engine::RUNNING | Engine::RESTARTING) => MachineState::Running,
        Some(Engine::PAUSED) => MachineState::Paused,
        Some(Engine::EXITED | Engine::REMOVING | Engine::DEAD | Engine::STOPPING) => MachineState::Stopped,
    }
}

/// Whether it was disconnected from its network.
fn is_cut_off(container: &ContainerSummary) -> bool {
    let networks = container.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    networks.is_some_and(|networks| networks.is_empty())
}

/// The machine of a container.
pub(super) fn machine(container: &ContainerSummary) -> Machine {
    Machine {
        id: container.id.clone().unwrap_or_default(),
        state: state(container),
        address: address(container),
        number: container.labels.as_ref().and_then(labels::number).unwrap_or_default(),
    }
}

/// Its address, or the one that it gets once it runs.
fn address(container: &ContainerSummary) -> Option<IpAddr> {
    let networks = container.network_settings.as_ref()?.networks.as_ref()?;
    networks.values().find_map(|endpoint| {
        let fixed = endpoint.ipam_config.as_ref().and_then(|ipam| ipam.ipv4_address.as_deref());
        fixed.or(endpoint.ip_address.as_deref()).and_then(|address| address.parse().ok())
    })
}

/// Ensures that a container is gone. Its volume stays: it has the node's data. It is killed, not stopped: the node is
/// being removed or has stopped already.
pub(super) async fn remove(engine: &Engine, id: &str) -> Result<()> {
    let doing = || format!("Removing the container {id:.12}");
    let options = RemoveContainerOptions { v: false, force: true, ..RemoveContainerOptions::default() };
    match engine.call(doing(), CHANGE, engine.docker.remove_container(id, Some(options))).await {
        Ok(()) => Ok(()),
        Err(failure) if failure.is_gone() => Ok(()),
        Err(failure) if failure.is(409) && failure.says("already in progress") => {
            let gone = async {
                loop {
                    match engine.docker.inspect_container(id, None::<InspectContainerOptions>).await {
                        Ok(_) => tokio::time::sleep(GONE_INTERVAL).await,
                        Err(error) => return Err::<(), _>(error),
                    }
                }
            };
            match engine.call(doing(), CHANGE, gone).await {
                Err(failure) if !failure.is_gone() => Err(failure.into()),
                _ => Ok(()),
            }
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Ensures that all these containers are gone, concurrently: one that cannot be removed does not block the others.
pub(super) async fn remove_all(engine: &Engine, containers: &[ContainerSummary]) -> Result<()> {
    let ids = containers.iter().filter_map(|container| container.id.as_deref());
    futures::future::join_all(ids.map(|id| remove(engine, id))).await.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use bollard::models::{ContainerSummaryNetworkSettings, EndpointSettings};

    use super::*;

    #[test]
    fn a_container_that_starts_again_keeps_its_machine_and_one_that_goes_has_ended() {
        let of = |state| super::state(&ContainerSummary { state: Some(state), ..ContainerSummary::default() });
        assert_eq!(of(ContainerSummaryStateEnum::CREATED), MachineState::Created);
        assert_eq!(of(ContainerSummaryStateEnum::RESTARTING), MachineState::Running);
        assert_eq!(of(ContainerSummaryStateEnum::EXITED), MachineState::Stopped);
        assert_eq!(of(ContainerSummaryStateEnum::PAUSED), MachineState::Paused);
        assert_eq!(of(ContainerSummaryStateEnum::REMOVING), MachineState::Stopped);
    }

    #[test]
    fn a_container_that_runs_and_is_on_no_network_is_cut_off() {
        let on = |networks: &[&str]| {
            let networks = networks.iter().map(|name| ((*name).to_owned(), EndpointSettings::default())).collect();
            let settings = ContainerSummaryNetworkSettings { networks: Some(networks) };
            let state = Some(ContainerSummaryStateEnum::RUNNING);
            super::state(&ContainerSummary { state, network_settings: Some(settings), ..ContainerSummary::default() })
        };
        assert_eq!(on(&[]), MachineState::CutOff);
        assert_eq!(on(&["jeroboam-1"]), MachineState::Running);
    }
}
