//! Notifications of operations: CADF events, as Magnum sends them, on the message bus of an OpenStack cloud (contract
//! magnum-v1 section 8.1). Telemetry and audit services read them there.
//!
//! - [`cadf`]: content of an event.
//! - [`envelope`]: the envelope of oslo.messaging.
//! - `bus`: RabbitMQ.
//! - [`Notifier`]: delivers notifications from the store to the bus.
//!
//! Every event is delivered at least once and in order, despite outages of the bus and restarts of this process: the
//! store keeps it until the bus has confirmed it. An event that is delivered twice has the same id.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bus;
pub mod cadf;
pub mod envelope;

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use jeroboam_store::{Notification, Store, StoreError};
use thiserror::Error;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use bus::Bus;
pub use bus::BusUrl;

/// Notifications per delivery: enough that waiting for confirmations does not limit the rate, and few enough to hold in
/// memory.
const BATCH: u64 = 100;

/// How often to look for notifications without a wake-up. Wake-ups may be lost; this is the safety net.
const LOOK: Duration = Duration::from_secs(5);

/// Pauses after failures. A bus that is up again is noticed within half a minute: jitter makes a pause up to twice as
/// long.
const BACK_OFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(500))
    .with_max_delay(LONGEST_PAUSE)
    .without_max_times()
    .with_jitter();
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long the bus may take to accept a connection, or to confirm messages.
const PATIENCE: Duration = Duration::from_secs(20);

/// Configuration of notifications.
#[derive(Debug, Clone)]
pub struct Settings {
    /// URL of the bus.
    pub url: BusUrl,
    /// Name of the exchange. Each service of oslo.messaging has one; Magnum's is `magnum`.
    pub exchange: String,
    /// Whether exchange and queues are created as durable, if they do not exist yet. Should be the same as the cloud's
    /// setting `amqp_durable_queues`, which is off by default.
    pub durable: bool,
    /// Host name of this machine, for the publisher's id.
    pub host: String,
}

/// Why a notification was not delivered (yet).
#[derive(Debug, Error)]
pub enum NotifyError {
    /// The bus cannot be reached, or the connection was lost.
    #[error("the message bus: {0}")]
    Bus(#[from] lapin::Error),
    /// The bus does not answer.
    #[error("the message bus did not answer in time while {0}")]
    Silent(&'static str),
    /// The bus refused a message.
    #[error("the message bus did not accept a message; see its log")]
    Refused,
    /// The database failed.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Delivers notifications to the bus.
pub struct Notifier {
    store: Store,
    settings: Settings,
}

impl Notifier {
    /// Makes the store keep notifications from now on; nothing is delivered until [`Notifier::run`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn new(store: Store, settings: Settings) -> Result<Self, StoreError> {
        store.want_notifications(true).await?;
        Ok(Self { store, settings })
    }

    /// Runs until `shutdown`. What has not been delivered by then follows after the next start.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.deliver_for_ever() => {}
        }
    }

    async fn deliver_for_ever(&self) {
        let mut pauses = BACK_OFF.build();
        loop {
            let mut has_delivered = false;
            let Err(problem) = self.deliver(&mut has_delivered).await;
            if has_delivered {
                pauses = BACK_OFF.build();
            }
            let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
            warn!(%problem, again_in = ?pause, "notifications wait");
            tokio::time::sleep(pause).await;
        }
    }

    /// Delivers over one connection until a failure.
    async fn deliver(&self, has_delivered: &mut bool) -> Result<std::convert::Infallible, NotifyError> {
        let mut events = self.store.subscribe();
        let bus = in_time("connecting", Bus::connect(&self.settings)).await?;
        info!(bus = %self.settings.url, exchange = self.settings.exchange, "notifications are delivered");
        let mut last = None;
        loop {
            let batch = self.store.waiting_notifications(BATCH).await?;
            let Some((number, _)) = batch.last() else {
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    event = events.recv() => if let Err(RecvError::Closed) = event { tokio::time::sleep(LOOK).await },
                }
                continue;
            };
            say_what_is_missing(last, &batch);
            let messages = batch.iter().map(|(_, told)| envelope::message(told, &self.settings.host)).collect();
            in_time("taking messages", bus.publish(messages)).await?;
            self.store.delivered(*number).await?;
            (last, *has_delivered) = (Some(*number), true);
        }
    }
}

async fn in_time<T>(doing: &'static str, work: impl Future<Output = Result<T, NotifyError>>) -> Result<T, NotifyError> {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or(Err(NotifyError::Silent(doing)))
}

/// Logs dropped notifications: the store drops the oldest when too many wait, which leaves a gap in their numbers.
fn say_what_is_missing(last: Option<i64>, batch: &[(i64, Notification)]) {
    if let (Some(last), Some((first, _))) = (last, batch.first())
        && *first > last + 1
    {
        warn!(count = first - last - 1, "notifications were dropped, because too many waited for the message bus");
    }
}
