//! What there is of all clusters at the engine, by the marks that it carries.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::engine::Engine;
use super::labels::{self, Labels};
use super::{Docker, container, network, volume};
use crate::{Remains, Result};

/// Of everything that carries a cluster's mark, by the cluster.
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

#[derive(Default)]
struct Remainders(BTreeMap<Uuid, Remains>);

impl Remainders {
    /// What there is of the cluster whose mark something carries, with what its other marks say.
    fn of(&mut self, marks: &Labels, created: Option<Timestamp>) -> Option<&mut Remains> {
        let cluster = labels::id(Some(marks), labels::CLUSTER)?;
        let remains = self.0.entry(cluster).or_insert_with(|| Remains { cluster, ..Remains::default() });
        remains.number = remains.number.max(labels::number(marks).unwrap_or_default());
        remains.created = remains.created.into_iter().chain(created).min();
        remains.name = remains.name.take().or_else(|| marks.get(labels::CLUSTER_NAME).cloned());
        remains.project_id = remains.project_id.take().or_else(|| marks.get(labels::PROJECT).cloned());
        Some(remains)
    }
}

/// Names in an order that stays.
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
