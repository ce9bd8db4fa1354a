//! Events of the engine: containers that stop, networks that are removed.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use bollard::models::{EventMessage, EventMessageTypeEnum};
use bollard::query_parameters::EventsOptions;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use jeroboam_model::CauseExt;
use tokio::sync::Mutex;

use super::engine::{self, Engine};
use super::labels;
use crate::Change;

/// Between two attempts to reach an engine that is down.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Events that mean a change of a cluster. There are many others, for example of each `exec`.
const EVENTS: [&str; 6] = ["die", "oom", "start", "pause", "unpause", "destroy"];

/// Connection to the engine for the stream of changes.
pub(super) struct Source {
    pub(super) host: String,
    /// Id of the deployment whose changes are wanted; it may change.
    pub(super) deployment: Arc<RwLock<String>>,
    pub(super) engine: Arc<Mutex<Option<Arc<Engine>>>>,
}

/// The changes, without end. While the engine is down there are none; after a reconnect [`Change::Any`] is reported.
pub(super) fn stream(source: Source) -> BoxStream<'static, Change> {
    stream::unfold(source, |source| async move {
        let told = loop {
            match listen(&source).await {
                Ok(told) => break told,
                Err(cause) => {
                    tracing::debug!(cause = cause.one_line(), "no events from the Docker Engine");
                    tokio::time::sleep(TRY_AGAIN).await;
                }
            }
        };
        Some((told, source))
    })
    .flatten()
    .boxed()
}

/// The changes of one connection, until it is closed.
async fn listen(source: &Source) -> crate::Result<BoxStream<'static, Change>> {
    let engine = engine::connected(&source.host, &source.engine).await?;
    // Not filtered by label: events of networks have none.
    let filters = HashMap::from([
        ("type".to_owned(), ["container", "network"].map(str::to_owned).to_vec()),
        ("event".to_owned(), EVENTS.map(str::to_owned).to_vec()),
    ]);
    let deployment = Arc::clone(&source.deployment);
    let options = EventsOptions { filters: Some(filters), ..EventsOptions::default() };
    let events = engine.docker.events(Some(options));
    let changes = events
        .map_err(|error| tracing::debug!(%error, "the Docker Engine has closed its stream of events"))
        .take_while(|event| std::future::ready(event.is_ok()))
        .filter_map(move |event| {
            std::future::ready(event.ok().and_then(|event| change(event, &super::read(&deployment))))
        });
    // Starts with `Any`, as earlier events were missed. Ends with a pause, in case the engine closes every connection
    // at once.
    let pause = stream::once(tokio::time::sleep(TRY_AGAIN)).filter_map(|()| std::future::ready(None));
    Ok(stream::iter([Change::Any]).chain(changes).chain(pause).boxed())
}

/// The change that an event means for the clusters of a deployment.
fn change(event: EventMessage, deployment: &str) -> Option<Change> {
    let marks = event.actor?.attributes?;
    if event.typ == Some(EventMessageTypeEnum::NETWORK) {
        // A stopped container has an event of its own.
        let is_ours = marks.get("name").is_some_and(|name| name.starts_with(labels::PREFIX));
        return (is_ours && event.action.as_deref() == Some("destroy")).then_some(Change::Any);
    }
    if marks.get(labels::DEPLOYMENT).is_none_or(|of| of != deployment) {
        return None;
    }
    labels::id(Some(&marks), labels::CLUSTER).map(Change::Of)
}

#[cfg(test)]
mod tests {
    use bollard::models::EventActor;
    use uuid::Uuid;

    use super::*;

    fn event(typ: EventMessageTypeEnum, action: &str, marks: &[(&str, &str)]) -> EventMessage {
        let attributes = marks.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let actor = EventActor { id: None, attributes: Some(attributes) };
        EventMessage { typ: Some(typ), action: Some(action.to_owned()), actor: Some(actor), ..EventMessage::default() }
    }

    #[test]
    fn only_what_carries_our_marks_is_told() {
        let cluster = Uuid::from_u128(1);
        let id = cluster.to_string();
        let ours = [(labels::DEPLOYMENT, "here"), (labels::CLUSTER, id.as_str())];
        let container = |marks: &[(&str, &str)]| change(event(EventMessageTypeEnum::CONTAINER, "die", marks), "here");
        assert_eq!(container(&ours), Some(Change::Of(cluster)));
        assert_eq!(container(&ours[1..]), None);
        assert_eq!(container(&[(labels::DEPLOYMENT, "there"), ours[1]]), None);
    }

    #[test]
    fn a_network_that_goes_is_told_of_without_its_cluster() {
        let network = |action, name| change(event(EventMessageTypeEnum::NETWORK, action, &[("name", name)]), "here");
        let ours = labels::network_name(Uuid::from_u128(1));
        assert_eq!(network("destroy", &ours), Some(Change::Any));
        assert_eq!(network("disconnect", &ours), None);
        assert_eq!(network("destroy", "bridge"), None);
    }
}
