//! Runs operations: takes one on lease, observes, plans, does what is missing, records every step, and does it again
//! until nothing is missing.
//!
//! - [`Conductor`]: takes operations and runs them side by side.
//! - `run`: one operation from lease to end.
//! - [`observe`]: what is there, and what should be, for the planner.
//! - `stage`: does the actions of a stage, `perform` says what each one does.
//! - `wait`: the actions that wait for nodes.
//! - `slots`: how much is done at the same time, and whose turn it is.
//! - `bells`: wake up who waits for a cluster.
//! - `lease`: keeps an operation ours while we work on it.
//! - [`engines`]: the drivers of engines, and how to get at a cluster's engine.
//! - [`agents`]: the authority of the agents, and what a machine is born with.
//! - [`lookout`]: looks whether this database is the right one.
//! - `sweep`: takes away what belongs to clusters that nobody knows any more.
//! - `history`: forgets operations of clusters that are gone, once they are old.
//! - `heartbeat`: signs of life.
//! - `looks`: which running clusters are to be looked at, and when. `health` looks and says how they are, `healing`
//!   begins repairs, `hope` is what a repair knows of its nodes.
//! - [`simulated`]: everything put together on the simulated cloud.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod agents;
mod bells;
mod clock;
pub mod engines;
mod healing;
mod health;
mod heartbeat;
mod history;
mod hope;
mod lease;
pub mod lookout;
mod looks;
pub mod observe;
mod perform;
mod progress;
mod run;
pub mod simulated;
mod slots;
mod stage;
mod sweep;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use jeroboam_infra::Infrastructure;
use jeroboam_store::Store;
use jiff::SignedDuration;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, error};

use self::engines::{AccessBook, Engines};

pub use clock::Clock;

/// Intervals and limits of a conductor.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who we are in leases: unique among all conductors that ever ran.
    pub owner: String,
    /// Name of this machine, by which people know the conductor.
    pub host: String,
    /// How long an operation stays ours without being renewed. Long enough for a slow database, short enough that
    /// another conductor takes over soon after we died.
    pub lease: Duration,
    /// How often we look for work when nothing wakes us. Wake-ups may be lost; this is the safety net.
    pub poll: Duration,
    /// Stages of operations that are done at the same time, and as many of deletes. Waiting for nodes does not count, so
    /// this is about the load on what is below.
    pub concurrency: usize,
    /// Between two looks at a cluster's health.
    pub health_interval: Duration,
    /// Between two looks for what belongs to clusters that are gone.
    pub sweep_interval: Duration,
    /// How long operations of clusters that are gone are kept.
    pub keep_history: SignedDuration,
    /// Nothing is made or removed before it opens.
    pub gate: lookout::Gate,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            owner: format!("conductor-{}", uuid::Uuid::new_v4()),
            host: "localhost".to_owned(),
            lease: Duration::from_secs(15),
            poll: Duration::from_secs(5),
            concurrency: 64,
            health_interval: Duration::from_secs(60),
            sweep_interval: Duration::from_secs(60),
            keep_history: SignedDuration::from_hours(90 * 24),
            gate: lookout::Gate::default(),
        }
    }
}

/// Takes operations and runs them.
pub struct Conductor {
    store: Store,
    infra: Arc<dyn Infrastructure>,
    engines: Engines,
    accesses: AccessBook,
    observer: observe::Observer,
    birth: agents::Birth,
    settings: Settings,
    clock: Clock,
    slots: slots::Slots,
    bells: bells::Bells,
    leases: lease::Leases,
    looks: looks::Looks,
    started: tokio::time::Instant,
}

impl Conductor {
    /// Puts a conductor together. Nothing runs until [`Conductor::run`].
    #[must_use]
    pub fn new(
        store: Store,
        infra: Arc<dyn Infrastructure>,
        engines: Engines,
        accesses: AccessBook,
        birth: agents::Birth,
        settings: Settings,
        clock: Clock,
    ) -> Arc<Self> {
        let slots = slots::Slots::new(settings.concurrency);
        let (bells, leases, looks) = (bells::Bells::default(), lease::Leases::default(), looks::Looks::default());
        let started = tokio::time::Instant::now();
        let (near, below) = (accesses.clone(), infra.clone());
        let observer = observe::Observer::new(store.clone(), below, engines.clone(), near, clock);
        Arc::new(Self {
            store,
            infra,
            engines,
            accesses,
            observer,
            birth,
            settings,
            clock,
            slots,
            bells,
            leases,
            looks,
            started,
        })
    }

    /// Runs until `shutdown`; then gives back what is being worked on, so that another goes on at once.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let running = TaskTracker::new();
        let mut events = self.store.subscribe();
        running.spawn(looks::watch(self.clone(), shutdown.clone()));
        running.spawn(sweep::watch(self.clone(), shutdown.clone()));
        running.spawn(heartbeat::watch(self.clone(), shutdown.clone()));
        let (this, stop) = (self.clone(), shutdown.clone());
        running.spawn(async move { this.bells.ring(&this.store, stop).await });
        let (this, stop) = (self.clone(), shutdown.clone());
        running.spawn(async move { this.leases.renew(&this, stop).await });

        while !shutdown.is_cancelled() {
            let claimed_one = self.claim_one(&running, &shutdown).await;
            if claimed_one {
                continue;
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(self.settings.poll) => {}
                event = events.recv() => match event {
                    // Missed wake-ups are no loss: the next look finds the work.
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => break,
                },
            }
        }
        running.close();
        running.wait().await;
    }

    /// Takes one operation, if there is one, and runs it in the background. However many there are: one that waits costs
    /// next to nothing, and what is done is bounded by slots.
    async fn claim_one(self: &Arc<Self>, running: &TaskTracker, shutdown: &CancellationToken) -> bool {
        match self.store.claim(&self.settings.owner, signed(self.settings.lease), self.clock.now()).await {
            Ok(Some(claim)) => {
                let span = run::span(&claim.operation);
                let this = self.clone();
                let shutdown = shutdown.clone();
                running.spawn(async move { run::run(&this, claim, shutdown).await }.instrument(span));
                true
            }
            Ok(None) => false,
            Err(problem) => {
                error!(%problem, "looking for work");
                false
            }
        }
    }
}

/// The store counts in signed durations.
fn signed(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}
