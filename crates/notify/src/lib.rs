//! Tells the world about operations: CADF events, as Magnum sends them, on the message bus that an OpenStack cloud has
//! (contract magnum-v1 section 8.1). Telemetry and audit services read them there.
//!
//! - [`cadf`]: what an event says.
//! - [`envelope`]: how oslo.messaging wraps it.
//! - `bus`: RabbitMQ.
//! - [`Notifier`]: takes what the store keeps for the bus, and brings it there.
//!
//! Every event arrives at least once and in order, however often the bus goes away or this process ends: the store
//! keeps it until the bus has confirmed it. An event that comes twice has the same id.
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

/// Notifications that are under way at a time: enough that waiting for the bus does not limit us, and few enough to
/// be held in memory.
const BATCH: u64 = 100;

/// How often we look for notifications when nothing wakes us. Wake-ups may be lost; this is the safety net.
const LOOK: Duration = Duration::from_secs(5);

/// After failures: a bus that comes back is noticed within half a minute, because jitter makes a pause up to twice as
/// long.
const BACK_OFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(500))
    .with_max_delay(LONGEST_PAUSE)
    .without_max_times()
    .with_jitter();
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long the bus may take to accept a connection, or to confirm what it was given.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where notifications go.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The bus.
    pub url: BusUrl,
    /// The exchange. oslo.messaging's services have one each; consumers know Magnum's by the name `magnum`.
    pub exchange: String,
    /// Whether exchange and queues outlive a restart of the bus, where they are not there yet. As the cloud's setting
    /// `amqp_durable_queues` says, which is off by default.
    pub durable: bool,
    /// Name of this machine, for the publisher's id.
    pub host: String,
}

/// Why a notification did not arrive (yet).
#[derive(Debug, Error)]
pub enum NotifyError {
    /// The bus cannot be reached, or went away.
    #[error("the message bus: {0}")]
    Bus(#[from] lapin::Error),
    /// It does not answer.
    #[error("the message bus did not answer in time while {0}")]
    Silent(&'static str),
    /// It refused a message.
    #[error("the message bus did not accept a message; see its log")]
    Refused,
    /// The database refused.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Brings notifications to the bus.
pub struct Notifier {
    store: Store,
    settings: Settings,
}

impl Notifier {
    /// From now on the store keeps notifications; nothing is delivered until [`Notifier::run`].
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn new(store: Store, settings: Settings) -> Result<Self, StoreError> {
        store.want_notifications(true).await?;
        Ok(Self { store, settings })
    }

    /// Runs until `shutdown`. What has not arrived by then is delivered after the next start.
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

    /// Delivers over one connection until something goes wrong.
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

/// The store drops the oldest notifications when too many wait; that shows as a gap in their numbers.
fn say_what_is_missing(last: Option<i64>, batch: &[(i64, Notification)]) {
    if let (Some(last), Some((first, _))) = (last, batch.first())
        && *first > last + 1
    {
        warn!(count = first - last - 1, "notifications were dropped, because too many waited for the message bus");
    }
}
