//! What exists of all clusters at the engine, by labels.

use std::collections::BTreeMap;

use jeroboam_model::node::FoundNode;
use jiff::Timestamp;
use uuid::Uuid;

use super::engine::Engine;
use super::labels::{self, Labels};
use super::{Docker, container, network, subnet, volume};
use crate::{Remains, Result};

/// Everything with a cluster's label, by cluster.
pub(super) async fn all(docker: &Docker, engine: &Engine) -> Result<Vec<Remains>> {
    let filters = || labels::any(docker);
    let (containers, networks, volumes) = futures::try_join!(
        container::list(engine, filters()),
        network::list(engine, Some(filters())),
        volume::list(engine, filters()),
    )?;
    let mut found = Remainders::default();
    for container in containers {
        let name = container.names.unwrap_or_default().into_iter().next().or(container.id).unwrap_or_default();
        let created = container.created.and_then(|seconds| Timestamp::from_second(seconds).ok());
        if let Some(remains) = found.of(&container.labels.unwrap_or_default(), created) {
            remains.machines.push(name.trim_start_matches('/').to_owned());
        }
    }
    for network in networks {
        if let Some(remains) = found.of(&network.labels, network.created) {
            remains.networks.push(network.name);
        }
    }
    for volume in volumes {
        if let Some(remains) = found.of(&volume.labels, volume.created) {
            remains.disks.push(volume.name);
        }
    }
    Ok(found.0.into_values().map(sorted).collect())
}

/// The nodes of a cluster, from the labels and names of their containers and volumes.
pub(super) async fn nodes(docker: &Docker, engine: &Engine, cluster: Uuid) -> Result<Vec<FoundNode>> {
    let filters = || labels::cluster_is(docker, cluster);
    let (containers, volumes) =
        futures::try_join!(container::list(engine, filters()), volume::list(engine, filters()))?;
    let of_containers = containers.into_iter().filter_map(|there| {
        let name = there.names.as_ref()?.first()?.trim_start_matches('/').to_owned();
        let slot = container::machine(&there).address.and_then(subnet::slot);
        found(cluster, &name, &there.labels.unwrap_or_default(), slot)
    });
    let of_volumes = volumes.into_iter().filter_map(|there| found(cluster, &there.name, &there.labels, None));
    let mut nodes = BTreeMap::new();
    for node in of_containers.chain(of_volumes) {
        nodes.entry(node.uuid).or_insert(node);
    }
    Ok(nodes.into_values().collect())
}

/// A node from the name and labels of its container or volume.
fn found(cluster: Uuid, name: &str, marks: &Labels, slot: Option<u32>) -> Option<FoundNode> {
    Some(FoundNode {
        uuid: labels::id(Some(marks), labels::NODE)?,
        name: name.strip_prefix(&labels::container_name(cluster, ""))?.to_owned(),
        role: marks.get(labels::ROLE)?.parse().ok()?,
        slot: marks.get(labels::SLOT).and_then(|slot| slot.parse().ok()).or(slot),
    })
}

#[derive(Default)]
struct Remainders(BTreeMap<Uuid, Remains>);

impl Remainders {
    /// The entry of the cluster that an object's labels name, updated with its other labels.
    fn of(&mut self, marks: &Labels, created: Option<Timestamp>) -> Option<&mut Remains> {
        let cluster = labels::id(Some(marks), labels::CLUSTER)?;
        let remains = self.0.entry(cluster).or_insert_with(|| Remains { cluster, ..Remains::default() });
        remains.number = remains.number.max(labels::number(marks).unwrap_or_default());
        remains.created = remains.created.into_iter().chain(created).min();
        remains.name = remains.name.take().or_else(|| marks.get(labels::CLUSTER_NAME).cloned());
        remains.project_id = remains.project_id.take().or_else(|| marks.get(labels::PROJECT).cloned());
        remains.engine = remains.engine.take().or_else(|| marks.get(labels::ENGINE).cloned());
        Some(remains)
    }
}

/// Sorts the names, for a stable order.
fn sorted(mut remains: Remains) -> Remains {
    for names in [&mut remains.machines, &mut remains.disks, &mut remains.networks] {
        names.sort_unstable();
    }
    remains
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_known_by_marks_and_names() {
        let cluster = Uuid::from_u128(1);
        let marks = |slot: Option<&str>| {
            let pairs = [(labels::NODE, Uuid::from_u128(7).to_string()), (labels::ROLE, "worker".to_owned())];
            let mut marks: Labels = pairs.into_iter().map(|(label, value)| (label.to_owned(), value)).collect();
            marks.extend(slot.map(|slot| (labels::SLOT.to_owned(), slot.to_owned())));
            marks
        };
        let name = labels::container_name(cluster, "c-worker-2");
        let node = found(cluster, &name, &marks(Some("5")), Some(9)).unwrap();
        assert_eq!((node.uuid, node.name.as_str(), node.slot), (Uuid::from_u128(7), "c-worker-2", Some(5)));
        assert_eq!(found(cluster, &name, &marks(None), Some(9)).unwrap().slot, Some(9), "of an earlier release");
        assert_eq!(found(cluster, "jeroboam-of-somebody", &marks(None), None), None);
        assert_eq!(found(cluster, &name, &Labels::new(), None), None);
    }

    #[test]
    fn marks_of_several_things_are_put_together() {
        let cluster = Uuid::from_u128(1);
        let at = |second| Timestamp::from_second(second).ok();
        let marks = |number: Option<&str>, name: Option<&str>| {
            let mut marks = Labels::from([(labels::CLUSTER.to_owned(), cluster.to_string())]);
            marks.extend(number.map(|number| (labels::NUMBER.to_owned(), number.to_owned())));
            marks.extend(name.map(|name| (labels::CLUSTER_NAME.to_owned(), name.to_owned())));
            marks
        };
        let mut found = Remainders::default();
        assert!(found.of(&Labels::new(), at(1)).is_none(), "what belongs to no cluster");
        found.of(&marks(Some("7"), None), at(9)).unwrap();
        found.of(&marks(Some("5"), Some("c")), at(4)).unwrap();
        found.of(&marks(None, Some("d")), None).unwrap();
        let remains = &found.0[&cluster];
        assert_eq!((remains.number, remains.name.as_deref(), remains.created), (7, Some("c"), at(4)));
    }
}
