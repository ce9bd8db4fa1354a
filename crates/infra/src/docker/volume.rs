//! The disk of a node: a volume with the data that must outlive its container (on `/var`: the engine's data, images,
//! logs, the agent's own identity). It is removed with the node or the whole cluster, never with a container.

use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::{ListVolumesOptions, RemoveVolumeOptions};
use jeroboam_model::{Cause, CauseExt, Code};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::Docker;
use super::engine::{CHANGE, Engine, LOOK};
use super::labels::{self, Filters, Labels};
use crate::{ClusterRef, MachineSpec, Result};

/// A volume without labels that is younger than this counts as half-made: an operation retries within seconds.
const HALF_MADE: SignedDuration = SignedDuration::from_mins(10);

/// A volume as the engine lists it.
#[derive(Debug, Clone)]
pub(super) struct Volume {
    pub(super) name: String,
    pub(super) labels: Labels,
    pub(super) created: Option<Timestamp>,
}

/// All volumes that match the labels.
pub(super) async fn list(engine: &Engine, filters: Filters) -> Result<Vec<Volume>> {
    let options = ListVolumesOptions { filters: Some(filters) };
    let answer = engine.call("Looking for volumes", LOOK, engine.docker.list_volumes(Some(options))).await?;
    let volumes = answer.volumes.unwrap_or_default().into_iter().map(|volume| {
        let created = volume.created_at.and_then(|created| created.parse().ok());
        Volume { name: volume.name, labels: volume.labels, created }
    });
    Ok(volumes.collect())
}

/// Ensures that a volume is gone.
pub(super) async fn remove(engine: &Engine, name: &str) -> Result<()> {
    let call = engine.docker.remove_volume(name, None::<RemoveVolumeOptions>);
    match engine.call(format!("Removing the volume {name:.12}"), CHANGE, call).await {
        Err(failure) if !failure.is_gone() => Err(failure.into()),
        _ => Ok(()),
    }
}

/// Ensures that the node has a disk; returns the name of its volume. An existing one is used, whatever its name:
/// earlier releases gave none.
pub(super) async fn ensure(
    docker: &Docker,
    engine: &Engine,
    cluster: &ClusterRef,
    spec: &MachineSpec,
) -> Result<String> {
    let mut there = list(engine, labels::node_is(docker, cluster.uuid, spec.node)).await?;
    // Of several (left by releases that gave no names) all servers choose the same one.
    there.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    if let Some(volume) = there.into_iter().next() {
        return Ok(volume.name);
    }
    let name = labels::container_name(cluster.uuid, &spec.name);
    let labels = labels::of_node(docker, cluster, spec);
    let make = || {
        let request = VolumeCreateRequest {
            name: Some(name.clone()),
            labels: Some(labels.clone()),
            ..VolumeCreateRequest::default()
        };
        engine.call(format!("Creating the disk of {}", spec.name), CHANGE, engine.docker.create_volume(request))
    };
    // If the name exists, the engine returns that volume, whoever created it.
    let mut made = make().await?;
    if is_half_made(&made, Timestamp::now()) {
        remove(engine, &name).await?;
        made = make().await?;
    }
    if labels::id(Some(&made.labels), labels::NODE) == Some(spec.node) {
        return Ok(name);
    }
    Err(Cause::operator(
        Code::NameConflict,
        format!("Starting {}: a volume that is not the node's has the name {name}.", spec.name),
        format!("Remove it (`docker volume rm {name}`)."),
    ))
}

/// Whether the engine stopped while it created the volume: it then has no labels and no data. An older one may belong
/// to someone else.
fn is_half_made(volume: &bollard::models::Volume, now: Timestamp) -> bool {
    let created: Option<Timestamp> = volume.created_at.as_ref().and_then(|created| created.parse().ok());
    volume.labels.is_empty() && created.is_some_and(|created| now.duration_since(created) < HALF_MADE)
}

/// The nodes of a cluster with disks.
pub(super) async fn nodes(docker: &Docker, engine: &Engine, cluster: Uuid) -> Result<impl Iterator<Item = Uuid>> {
    let volumes = list(engine, labels::cluster_is(docker, cluster)).await?;
    Ok(volumes.into_iter().filter_map(|volume| labels::id(Some(&volume.labels), labels::NODE)))
}

/// Removes all volumes that match the labels.
pub(super) async fn remove_all(engine: &Engine, filters: Filters) -> Result<()> {
    let volumes = list(engine, filters).await?;
    futures::future::join_all(volumes.iter().map(|volume| remove(engine, &volume.name))).await.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_that_an_engine_has_not_finished_is_young_and_has_no_labels() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let volume = |created: &str, labels: &[(&str, &str)]| bollard::models::Volume {
            created_at: Some(created.to_owned()),
            labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ..bollard::models::Volume::default()
        };
        assert!(is_half_made(&volume("2026-11-29T11:59:30Z", &[]), now));
        assert!(!is_half_made(&volume("2026-11-29T11:59:30Z", &[("of", "somebody")]), now));
        assert!(!is_half_made(&volume("2026-11-28T12:00:00Z", &[]), now), "it may be somebody's");
    }
}
