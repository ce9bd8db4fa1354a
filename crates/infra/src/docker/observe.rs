//! Observes what exists of clusters, by labels.

use std::collections::BTreeSet;

use bollard::models::ContainerSummary;
use jeroboam_model::plan::MachineState;
use uuid::Uuid;

use super::engine::Engine;
use super::{Docker, container, labels, network, volume};
use crate::{Network, Observation, Result};

/// All objects with the cluster's label.
pub(super) async fn cluster(docker: &Docker, engine: &Engine, cluster: Uuid) -> Result<Observation> {
    let filters = || labels::cluster_is(docker, cluster);
    let (containers, networks, disks) = futures::try_join!(
        container::list(engine, filters()),
        network::list(engine, Some(filters())),
        volume::nodes(docker, engine, cluster),
    )?;
    let network = networks.into_iter().next().map(|network| Network { id: network.id });
    Ok(Observation { network, disks: disks.collect(), ..machines(containers) })
}

/// Separates the nodes' containers from strays. Of two containers of one node the running one is the node's, otherwise
/// the older one, which was the first on the node's data.
fn machines(mut containers: Vec<ContainerSummary>) -> Observation {
    containers.sort_by_key(|container| (container::state(container) != MachineState::Running, container.created));
    let mut observation = Observation::default();
    for container in &containers {
        let machine = container::machine(container);
        match labels::id(container.labels.as_ref(), labels::NODE) {
            Some(node) if !observation.machines.contains_key(&node) => {
                observation.machines.insert(node, machine);
            }
            _ => observation.strays.push(machine.id),
        }
    }
    observation
}

/// The clusters of everything that this deployment created.
pub(super) async fn clusters(docker: &Docker, engine: &Engine) -> Result<Vec<Uuid>> {
    let filters = || labels::any(docker);
    let (containers, networks, volumes) = futures::try_join!(
        container::list(engine, filters()),
        network::list(engine, Some(filters())),
        volume::list(engine, filters()),
    )?;
    let cluster = |labels: &labels::Labels| labels::id(Some(labels), labels::CLUSTER);
    let containers = containers.iter().filter_map(|container| cluster(container.labels.as_ref()?));
    let networks = networks.iter().filter_map(|network| cluster(&network.labels));
    let volumes = volumes.iter().filter_map(|volume| cluster(&volume.labels));
    Ok(containers.chain(networks).chain(volumes).collect::<BTreeSet<Uuid>>().into_iter().collect())
}

#[cfg(test)]
mod tests {
    use bollard::models::ContainerSummaryStateEnum as State;

    use super::*;

    fn container(id: &str, node: Option<u128>, state: State, created: i64) -> ContainerSummary {
        let labels = node.map(|node| (labels::NODE.to_owned(), Uuid::from_u128(node).to_string()));
        ContainerSummary {
            id: Some(id.to_owned()),
            labels: Some(labels.into_iter().collect()),
            state: Some(state),
            created: Some(created),
            ..ContainerSummary::default()
        }
    }

    #[test]
    fn of_two_containers_of_a_node_the_running_one_counts_and_the_other_is_a_stray() {
        let observation = machines(vec![
            container("old", Some(1), State::EXITED, 1),
            container("runs", Some(1), State::RUNNING, 2),
            container("nobody's", None, State::RUNNING, 3),
        ]);
        assert_eq!(observation.machines.len(), 1);
        assert_eq!(observation.machines[&Uuid::from_u128(1)].id, "runs");
        assert_eq!(observation.strays, ["nobody's", "old"]);
    }
}
