//! `GET /v1/operations/{uuid}/events`: the progress of an operation as events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::Stream;
use jeroboam_store::Store;
use jeroboam_types::operation::Operation;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use uuid::Uuid;

use crate::AppState;
use crate::http::{Caller, Params, Result};

/// Interval of comments while nothing happens, so that proxies keep the connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Interval at which the database is polled even without a notification: another process may have changed the
/// operation.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Follows an operation: events named `operation`, each with the whole operation as JSON, first as it is now, then
/// after every change. Ends after the final state.
#[utoipa::path(get, path = "/v1/operations/{uuid}/events", tag = "operations", params(("uuid" = String, Path)),
    responses((status = 200, body = OperationEvent, content_type = "text/event-stream")))]
pub(super) async fn events(
    State(state): State<AppState>,
    caller: Caller,
    Path(uuid): Path<String>,
    params: Params,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    params.finish()?;
    // Subscribe first, then read, so that no change in between is missed.
    let changes = state.store.subscribe();
    let operation = super::find(&state, &caller, &uuid, "operation:get").await?;
    let follower =
        Follower { store: state.store.clone(), scope: caller.scope(), changes, next: Some(operation), last: None };
    let stream = futures::stream::unfold(follower, |mut follower| async move {
        let operation = follower.next().await?;
        // Serializing an operation should never fail; if it does, the stream ends and the client reconnects.
        let event = Event::default().event("operation").json_data(&operation).ok()?;
        follower.last = Some(operation);
        Some((Ok(event), follower))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// An event, for the OpenAPI document.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it is described only; the stream is written by axum")]
struct OperationEvent {
    /// `operation`.
    event: String,
    /// An [`Operation`] as JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
}

struct Follower {
    store: Store,
    scope: jeroboam_store::Scope,
    changes: Receiver<jeroboam_store::Event>,
    /// To be sent without waiting.
    next: Option<Operation>,
    /// What was sent last.
    last: Option<Operation>,
}

impl Follower {
    /// The operation after its next change; `None` after the final state.
    async fn next(&mut self) -> Option<Operation> {
        if let Some(operation) = self.next.take() {
            return Some(operation);
        }
        let last = self.last.clone()?;
        if last.status.is_final() {
            return None;
        }
        loop {
            self.changed(last.uuid).await;
            match self.store.operation(&self.scope, last.uuid).await {
                Ok(operation) if operation != last => return Some(operation),
                Ok(_) => {}
                // The client reconnects and gets an error status then.
                Err(error) => {
                    tracing::warn!(%error, operation = %last.uuid, "following an operation");
                    return None;
                }
            }
        }
    }

    /// Waits until something may have changed. One read covers all events that are queued by then.
    async fn changed(&mut self, operation: Uuid) {
        let wait = async {
            loop {
                match self.changes.recv().await {
                    Ok(event) if event.operation != Some(operation) => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => return,
                    // The store is closed, which happens only when the process ends; the timeout takes over.
                    Err(RecvError::Closed) => std::future::pending::<()>().await,
                }
            }
        };
        if tokio::time::timeout(LOOK_AGAIN, wait).await.is_ok() {
            while !matches!(self.changes.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
        }
    }
}
