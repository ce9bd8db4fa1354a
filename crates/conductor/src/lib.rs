//! Runs operations: claims one under a lease, observes, plans, does what is missing, records every step, and repeats
//! that until nothing is missing.
//!
//! - [`Conductor`]: claims operations and runs them concurrently.
//! - `run`: one operation from lease to end.
//! - [`observe`]: the observed and the desired state, for the planner.
//! - `stage`: runs the actions of a stage; `perform` defines what each one does.
//! - `wait`: the actions that wait for nodes.
//! - `slots`: limits concurrency, fairly between projects.
//! - `bells`: wake up tasks that wait for a cluster.
//! - `lease`: renews the leases of running operations.
//! - [`engines`]: the drivers of engines, and access to a cluster's engine.
//! - [`agents`]: the CA of the agents, and the bootstrap files of machines.
//! - [`lookout`]: checks whether this database is the right one.
//! - `sweep`: removes what is left of deleted clusters.
//! - `history`: deletes old operations and certificates.
//! - `heartbeat`: sends heartbeats.
//! - `looks`: schedules the checks of running clusters. `health` checks and reports, `healing` starts repairs, `hope`
//!   is what a repair knows of its nodes.
//! - [`simulated`]: the whole, on the simulated cloud.
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
    /// The owner in leases: unique among all conductors that ever ran.
    pub owner: String,
    /// Host name of this server, shown to users.
    pub host: String,
    /// Length of a lease. Long enough for a slow database, short enough that another conductor takes over soon after
    /// this one died.
    pub lease: Duration,
    /// How often to look for work without a wake-up. Wake-ups may be lost; this is the safety net.
    pub poll: Duration,
    /// Stages of operations that run concurrently, and as many of deletes. Waiting for nodes does not count: this
    /// limits the load on the infrastructure.
    pub concurrency: usize,
    /// Between two health checks of a cluster.
    pub health_interval: Duration,
    /// Between two sweeps for what is left of deleted clusters.
    pub sweep_interval: Duration,
    /// How long finished operations and issued certificates are kept.
    pub keep_history: SignedDuration,
    /// Nothing is created or removed before it opens.
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
    /// Creates a conductor. Nothing runs until [`Conductor::run`].
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

    /// Runs until `shutdown`; then releases its operations, so that another conductor continues at once.
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
                    // Missed wake-ups do no harm: the next poll finds the work.
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => break,
                },
            }
        }
        running.close();
        running.wait().await;
    }

    /// Claims one operation, if there is one, and runs it in the background. Their number is not limited: one that
    /// waits costs next to nothing, and slots bound the work.
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

/// Converts to the signed duration that the store takes.
fn signed(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}
