//! What the engine tells of by itself: containers that end, networks and volumes that go.

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

/// Between two tries to reach an engine that is away.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What tells that something of a cluster is not as it was. Much else is told of: each `exec`, say.
const EVENTS: [&str; 6] = ["die", "oom", "start", "pause", "unpause", "destroy"];

/// Where to get at the engine, for as long as changes are wanted.
pub(super) struct Source {
    pub(super) host: String,
    /// The id whose clusters' changes are wanted; it may become another one.
    pub(super) deployment: Arc<RwLock<String>>,
    pub(super) engine: Arc<Mutex<Option<Arc<Engine>>>>,
}

/// The changes, for ever: while the engine is away nothing is told, and when it is back that anything may have changed.
pub(super) fn stream(source: Source) -> BoxStream<'static, Change> {
    stream::unfold(source, |source| async move {
        let told = loop {
            match listen(&source).await {
                Ok(told) => break told,
                Err(cause) => {
                    tracing::debug!(cause = cause.one_line(), "the Docker Engine tells of no changes");
                    tokio::time::sleep(TRY_AGAIN).await;
                }
            }
        };
        Some((told, source))
    })
    .flatten()
    .boxed()
}

/// One connection, until it ends.
async fn listen(source: &Source) -> crate::Result<BoxStream<'static, Change>> {
    let engine = engine::connected(&source.host, &source.engine).await?;
    // Not by label: events of networks carry none.
    let filters = HashMap::from([
        ("type".to_owned(), ["container", "network"].map(str::to_owned).to_vec()),
        ("event".to_owned(), EVENTS.map(str::to_owned).to_vec()),
    ]);
    let deployment = Arc::clone(&source.deployment);
    let options = EventsOptions { filters: Some(filters), ..EventsOptions::default() };
    let events = engine.docker.events(Some(options));
    let changes = events
        .map_err(|error| tracing::debug!(%error, "the Docker Engine has ended its events"))
        .take_while(|event| std::future::ready(event.is_ok()))
        .filter_map(move |event| {
            std::future::ready(event.ok().and_then(|event| change(event, &super::read(&deployment))))
        });
    // What happened before we listened nobody has told us. An engine that ends every connection at once is not asked
    // without a pause.
    let pause = stream::once(tokio::time::sleep(TRY_AGAIN)).filter_map(|()| std::future::ready(None));
    Ok(stream::iter([Change::Any]).chain(changes).chain(pause).boxed())
}

/// What an event says of the clusters of a deployment.
fn change(event: EventMessage, deployment: &str) -> Option<Change> {
    let marks = event.actor?.attributes?;
    if event.typ == Some(EventMessageTypeEnum::NETWORK) {
        // A container that ends is told of itself.
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
