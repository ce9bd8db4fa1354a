//! Volumes that a container left behind. They go with their container; one is left when the engine was cut off between
//! making a volume and making its container, or when somebody else removed the container without it.

use bollard::query_parameters::{ListVolumesOptions, RemoveVolumeOptions};

use super::engine::{CHANGE, Engine, LOOK};
use super::labels::{Filters, Labels};
use crate::Result;

/// Labels of all volumes that the labels fit, by volume name.
pub(super) async fn list(engine: &Engine, filters: Filters) -> Result<Vec<(String, Labels)>> {
    let options = ListVolumesOptions { filters: Some(filters) };
    let answer = engine.call("Looking for volumes", LOOK, engine.docker.list_volumes(Some(options))).await?;
    Ok(answer.volumes.unwrap_or_default().into_iter().map(|volume| (volume.name, volume.labels)).collect())
}

/// Sees to it that no volume is left that the labels fit.
pub(super) async fn remove_all(engine: &Engine, filters: Filters) -> Result<()> {
    let volumes = list(engine, filters).await?;
    let remove = volumes.iter().map(async |(name, _)| {
        let call = engine.docker.remove_volume(name, None::<RemoveVolumeOptions>);
        match engine.call(format!("Removing the volume {name:.12}"), CHANGE, call).await {
            Err(failure) if !failure.is_gone() => Err(failure.into()),
            _ => Ok(()),
        }
    });
    futures::future::join_all(remove).await.into_iter().collect()
}
