//! The marks of this deployment's servers: an empty volume for each, with its data in labels. Labels cannot be changed,
//! so a new mark is created before the old one is removed.

use bollard::models::VolumeCreateRequest;
use uuid::Uuid;

use super::Docker;
use super::engine::{CHANGE, Engine};
use super::labels::{self, Labels};
use super::volume::{self, Volume};
use crate::{Presence, Result};

/// The newest mark of each server.
pub(super) async fn all(docker: &Docker, engine: &Engine) -> Result<Vec<Presence>> {
    let mut presences: Vec<Presence> = volumes(docker, engine).await?.iter().filter_map(|(_, p)| p.clone()).collect();
    presences.sort_by_key(|presence| (presence.instance, std::cmp::Reverse(presence.number), presence.url.is_none()));
    presences.dedup_by_key(|presence| presence.instance);
    Ok(presences)
}

/// Replaces the earlier marks of the same server by a new one.
pub(super) async fn renew(docker: &Docker, engine: &Engine, presence: &Presence) -> Result<()> {
    let before = volumes(docker, engine).await?;
    // Creating a volume whose name exists returns the existing one, so every mark has a name of its own.
    let name = format!("jeroboam-server-{}", Uuid::new_v4().simple());
    let request = VolumeCreateRequest {
        name: Some(name.clone()),
        labels: Some(marks(docker, presence)),
        ..VolumeCreateRequest::default()
    };
    engine.call("Leaving the server's mark", CHANGE, engine.docker.create_volume(request)).await?;
    for (old, _) in before.into_iter().filter(|(_, old)| is_of(old.as_ref(), presence.instance)) {
        volume::remove(engine, &old.name).await?;
    }
    Ok(())
}

/// Ensures that a server has no mark.
pub(super) async fn remove(docker: &Docker, engine: &Engine, instance: Uuid) -> Result<()> {
    for (old, _) in volumes(docker, engine).await?.into_iter().filter(|(_, old)| is_of(old.as_ref(), instance)) {
        volume::remove(engine, &old.name).await?;
    }
    Ok(())
}

async fn volumes(docker: &Docker, engine: &Engine) -> Result<Vec<(Volume, Option<Presence>)>> {
    let volumes = volume::list(engine, labels::servers(docker)).await?;
    Ok(volumes.into_iter().map(|volume| (volume.clone(), read(&volume.labels))).collect())
}

fn is_of(presence: Option<&Presence>, instance: Uuid) -> bool {
    presence.is_some_and(|presence| presence.instance == instance)
}

fn marks(docker: &Docker, presence: &Presence) -> Labels {
    let mut marks = Labels::from([
        (labels::DEPLOYMENT.to_owned(), docker.deployment()),
        (labels::INSTANCE.to_owned(), presence.instance.to_string()),
        (labels::NUMBER.to_owned(), presence.number.to_string()),
        (labels::HOST.to_owned(), presence.host.clone()),
    ]);
    marks.extend(presence.url.clone().map(|url| (labels::URL.to_owned(), url)));
    marks
}

fn read(marks: &Labels) -> Option<Presence> {
    Some(Presence {
        instance: labels::id(Some(marks), labels::INSTANCE)?,
        number: labels::number(marks)?,
        host: marks.get(labels::HOST).cloned().unwrap_or_default(),
        url: marks.get(labels::URL).cloned(),
    })
}
