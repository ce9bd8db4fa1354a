//! Operations, and following their progress.

use std::pin::Pin;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use eventsource_stream::{Event, Eventsource};
use futures::{Stream, StreamExt};
use jeroboam_types::operation::{Operation, OperationList};
use serde_json::Value;
use uuid::Uuid;

use crate::Result;
use crate::error::Error;
use crate::session::{Call, Client, unreachable};

/// How long a watcher tries to reconnect after the connection broke: enough for a restart of the server.
const RECONNECT_FOR: Duration = Duration::from_secs(60);
/// Back-off before a reconnect: with jitter at most 3 s, because a person is waiting.
const BACK_OFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(200))
    .with_max_delay(LONGEST_PAUSE)
    .without_max_times()
    .with_jitter();
const LONGEST_PAUSE: Duration = Duration::from_millis(1500);
/// Maximum number of operations in a list.
const NEWEST: u32 = 100;

type Events = Pin<Box<dyn Stream<Item = std::result::Result<Event, String>> + Send>>;

impl Client {
    /// Returns the newest operations of a cluster (id or name; also of a deleted one), or of the whole project. Without
    /// their steps.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn operations(&self, cluster: Option<&str>) -> Result<Vec<Operation>> {
        let mut call = Call::get(&["operations"]).query("limit", NEWEST.to_string());
        if let Some(cluster) = cluster {
            call = call.query("cluster", cluster);
        }
        let list: OperationList = self.json(call).await?;
        Ok(list.operations)
    }

    /// Returns one operation with its steps.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn operation(&self, uuid: Uuid) -> Result<Operation> {
        self.json(Call::get(&["operations", &uuid.to_string()])).await
    }

    /// Requests the cancellation of an operation.
    ///
    /// # Errors
    /// 404 when there is none, 409 when it has finished already.
    pub async fn cancel_operation(&self, uuid: Uuid) -> Result<Operation> {
        self.json(Call::post(&["operations", &uuid.to_string(), "actions", "cancel"])).await
    }

    /// Follows an operation: its current state, then every change, until it has finished. A broken connection is
    /// retried for up to a minute, so a restart of the server goes unnoticed. The last item is the final state or the
    /// error that ended the stream.
    pub fn watch_operation(&self, uuid: Uuid) -> impl Stream<Item = Result<Operation>> + Send + 'static {
        let watcher =
            Watcher { client: self.clone(), uuid, events: None, lost: None, pauses: BACK_OFF.build(), ended: false };
        futures::stream::unfold(watcher, |mut watcher| async move {
            let item = watcher.next().await?;
            Some((item, watcher))
        })
    }
}

struct Watcher {
    client: Client,
    uuid: Uuid,
    /// The open stream; `None` before the first connection and after a broken one.
    events: Option<Events>,
    /// Time since which the connection has been lost.
    lost: Option<Instant>,
    /// Delays before the next reconnects.
    pauses: ExponentialBackoff,
    ended: bool,
}

impl Watcher {
    async fn next(&mut self) -> Option<Result<Operation>> {
        if self.ended {
            return None;
        }
        loop {
            let error = match self.step().await {
                Ok(Some(operation)) => {
                    self.lost = None;
                    self.pauses = BACK_OFF.build();
                    self.ended = operation.status.is_final();
                    return Some(Ok(operation));
                }
                Ok(None) => continue,
                Err(error) => error,
            };
            self.events = None;
            let lost = *self.lost.get_or_insert_with(Instant::now);
            if !error.is_passing() || lost.elapsed() > RECONNECT_FOR {
                self.ended = true;
                return Some(Err(error));
            }
            tokio::time::sleep(self.pauses.next().unwrap_or(LONGEST_PAUSE)).await;
        }
    }

    /// Connects, or reads one event. `None` when the event has no new state.
    async fn step(&mut self) -> Result<Option<Operation>> {
        let uuid = self.uuid.to_string();
        let Some(events) = &mut self.events else {
            let response = self.client.send(&Call::get(&["operations", &uuid, "events"]).endless()).await?;
            let url = response.url().clone();
            let events = response.bytes_stream().eventsource();
            self.events = Some(Box::pin(events.map(move |event| {
                event.map_err(|error| match error {
                    eventsource_stream::EventStreamError::Transport(error) => unreachable(&url, &error).to_string(),
                    other => other.to_string(),
                })
            })));
            return Ok(None);
        };
        let broken = |message: String| Error::Unreachable { url: "the event stream".to_owned(), message };
        match events.next().await {
            Some(Ok(event)) => read(&event),
            Some(Err(message)) => Err(broken(message)),
            None => Err(broken("it ended before the operation did".to_owned())),
        }
    }
}

/// The operation in an event; `None` for events about something else.
fn read(event: &Event) -> Result<Option<Operation>> {
    let problem = |message: String| Error::Protocol { url: "the event stream".to_owned(), message };
    match event.event.as_str() {
        "operation" | "message" => {
            serde_json::from_str(&event.data).map(Some).map_err(|error| problem(error.to_string()))
        }
        "error" => {
            let text = serde_json::from_str::<Value>(&event.data)
                .ok()
                .and_then(|value| Some(value.get("message")?.as_str()?.to_owned()));
            Err(problem(text.unwrap_or_else(|| event.data.clone())))
        }
        _ => Ok(None),
    }
}
