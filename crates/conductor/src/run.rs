//! One operation from lease to end: observe, plan, do the first stage of what is missing, again.

use std::collections::HashMap;

use futures::future::join_all;
use jeroboam_model::plan::{self, Action, Step};
use jeroboam_model::{Cause, CauseExt, OperationKind, kubernetes};
use jeroboam_store::{Claim, ClusterFacts, ClusterRecord, Outcome, StoreError};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::Conductor;
use crate::backoff::Backoff;
use crate::lease::Lease;
use crate::observe::desired;
use crate::perform::store_cause;

/// How often a step may be done and turn out to be needed again before something is considered to undo it.
const MOST_REPETITIONS: u32 = 6;

/// Runs one operation until it ended, is not ours any more, or the conductor shuts down.
pub(crate) async fn run(conductor: &Conductor, claim: Claim, shutdown: CancellationToken) {
    let operation = claim.operation.uuid;
    let lease = Lease::keep(conductor.store.clone(), operation, claim.fence, conductor.settings.lease, conductor.clock);
    let mut run = Run {
        conductor,
        operation,
        cluster: claim.operation.cluster_uuid,
        kind: claim.operation.kind,
        deadline: claim.operation.deadline_at,
        lease: &lease,
        backoff: Backoff::default(),
        repetitions: HashMap::new(),
        last_trouble: None,
    };
    tokio::select! {
        biased;
        () = lease.lost.cancelled() => warn!(%operation, "the lease is gone: it could not be renewed in time, or another has it"),
        () = shutdown.cancelled() => run.give_back().await,
        () = lease.cancel.cancelled() => run.end(Outcome::Cancelled).await,
        outcome = run.reach_end() => run.end(outcome).await,
    }
}

/// An operation being run.
pub(crate) struct Run<'a> {
    pub(crate) conductor: &'a Conductor,
    pub(crate) operation: Uuid,
    pub(crate) cluster: Uuid,
    kind: OperationKind,
    deadline: Option<Timestamp>,
    pub(crate) lease: &'a Lease,
    backoff: Backoff,
    /// How often each step was done.
    repetitions: HashMap<String, u32>,
    /// What blocked it last: the reason that is given when the deadline passes.
    last_trouble: Option<Cause>,
}

/// How one round went.
enum Round {
    /// Something was done.
    Progress,
    /// Nothing is missing.
    Complete(Box<ClusterRecord>),
}

impl Run<'_> {
    async fn reach_end(&mut self) -> Outcome {
        loop {
            let now = self.conductor.clock.now();
            if self.deadline.is_some_and(|deadline| now >= deadline) {
                return Outcome::Failed(self.too_late());
            }
            match self.round().await {
                Ok(Round::Progress) => {
                    if self.last_trouble.take().is_some() {
                        self.backoff.reset();
                        self.note(self.conductor.store.unblock_operation(self.operation, self.lease.fence).await);
                    }
                }
                Ok(Round::Complete(record)) => return Outcome::Succeeded { facts: self.facts(&record).await },
                Err(cause) if cause.retryable => self.blocked(cause).await,
                Err(cause) => return Outcome::Failed(cause),
            }
        }
    }

    /// Observes, plans, and does the first stage of the plan.
    async fn round(&mut self) -> Result<Round, Cause> {
        let record = self.record().await?;
        // Asked for at an earlier release. Its agents are on the nodes; ours would not know what to start.
        if let Some(cause) = kubernetes::too_old(&record.cluster).filter(|_| self.kind != OperationKind::Delete) {
            return Err(cause);
        }
        let observed = self.conductor.observe(self.operation, self.kind, &record).await?;
        let steps = plan::plan(&desired(self.kind, &record), &observed);
        self.conductor
            .store
            .record_plan(self.operation, self.lease.fence, &steps)
            .await
            .map_err(|problem| store_cause("writing down the plan", &problem))?;
        let Some(first) = steps.first() else { return Ok(Round::Complete(Box::new(record))) };
        let stage: Vec<&Step> = steps.iter().take_while(|step| step.stage == first.stage).collect();
        for step in &stage {
            self.count_repetition(&step.action)?;
        }
        let this = &*self;
        let record = &record;
        let results = join_all(stage.iter().map(|step| this.step(record, &step.action))).await;
        // All steps of the stage have ended. What failed for good decides before what may pass.
        let mut causes: Vec<Cause> = results.into_iter().filter_map(Result::err).collect();
        causes.sort_by_key(|cause| cause.retryable);
        causes.into_iter().next().map_or(Ok(Round::Progress), Err)
    }

    /// Does one step and records how it went.
    async fn step(&self, record: &ClusterRecord, action: &Action) -> Result<(), Cause> {
        let (store, fence, key) = (&self.conductor.store, self.lease.fence, action.key());
        let written =
            |result: Result<(), StoreError>| result.map_err(|problem| store_cause("writing down the step", &problem));
        written(store.step_running(self.operation, fence, &key).await)?;
        debug!(operation = %self.operation, step = key, "step begins");
        match self.perform(record, action).await {
            Ok(()) => written(store.step_done(self.operation, fence, &key).await),
            Err(cause) if cause.retryable => {
                info!(operation = %self.operation, step = key, cause = cause.one_line(), "blocked");
                written(store.step_blocked(self.operation, fence, &key, &cause).await)?;
                Err(cause)
            }
            Err(cause) => {
                info!(operation = %self.operation, step = key, cause = cause.one_line(), "failed");
                written(store.step_failed(self.operation, fence, &key, &cause).await)?;
                Err(cause)
            }
        }
    }

    pub(crate) async fn record(&self) -> Result<ClusterRecord, Cause> {
        self.conductor
            .store
            .cluster_by_uuid(self.cluster)
            .await
            .map_err(|problem| store_cause("reading the cluster", &problem))
    }

    /// Something stands in the way that may pass: says so, then waits a little.
    async fn blocked(&mut self, cause: Cause) {
        let pause = self.backoff.next();
        self.note(self.conductor.store.block_operation(self.operation, self.lease.fence, &cause, None).await);
        self.last_trouble = Some(cause);
        tokio::time::sleep(pause).await;
    }

    fn count_repetition(&mut self, action: &Action) -> Result<(), Cause> {
        if self.last_trouble.is_some() {
            // Doing it again after trouble is what is meant to happen; the deadline bounds that.
            return Ok(());
        }
        let key = action.key();
        let times = self.repetitions.entry(key).or_default();
        *times += 1;
        if *times <= MOST_REPETITIONS {
            return Ok(());
        }
        Err(Cause::operator(
            "step_undone",
            format!("'{}' was done {MOST_REPETITIONS} times and is missing again each time", action.title()),
            "look at the infrastructure for what takes it away, then retry the operation",
        ))
    }

    fn too_late(&self) -> Cause {
        let late = Cause::user(
            "deadline_passed",
            format!("the {} did not end in time", self.kind),
            "look at its steps for what held it up, then retry the operation or delete the cluster",
        );
        match &self.last_trouble {
            Some(trouble) => Cause { whose_move: trouble.whose_move, ..late.said(trouble.one_line()) },
            None => late,
        }
    }

    /// What clients read of a cluster that is complete.
    async fn facts(&self, record: &ClusterRecord) -> ClusterFacts {
        if self.kind == OperationKind::Delete {
            self.conductor.accesses.forget(self.cluster).await;
            return ClusterFacts::default();
        }
        match self.conductor.accesses.of(record).await {
            Ok(access) => {
                let health = self.conductor.engines.of(record.cluster.engine).health(&access).await;
                self.note(self.conductor.store.set_health(self.cluster, health.health, health.reason).await);
                ClusterFacts {
                    coe_version: health.version,
                    container_version: health.runtime,
                    ..ClusterFacts::default()
                }
            }
            Err(_) => ClusterFacts::default(),
        }
    }

    async fn end(&self, outcome: Outcome) {
        let word = match &outcome {
            Outcome::Succeeded { .. } => "succeeded".to_owned(),
            Outcome::Failed(cause) => format!("failed: {}", cause.one_line()),
            Outcome::Cancelled => "cancelled".to_owned(),
        };
        // The end is written even when the database is away for a while: until the lease is lost.
        let mut backoff = Backoff::default();
        loop {
            match self.conductor.store.finish(self.operation, self.lease.fence, outcome.clone()).await {
                Ok(()) => {
                    info!(operation = %self.operation, cluster = %self.cluster, kind = %self.kind, "{word}");
                    return;
                }
                Err(StoreError::LeaseLost) => return,
                Err(problem) => {
                    warn!(operation = %self.operation, %problem, "writing down how the operation ended");
                    tokio::select! {
                        () = self.lease.lost.cancelled() => return,
                        () = tokio::time::sleep(backoff.next()) => {}
                    }
                }
            }
        }
    }

    async fn give_back(&self) {
        self.note(self.conductor.store.release(self.operation, self.lease.fence).await);
    }

    /// For writes that only inform: when they fail, the work goes on.
    fn note(&self, result: Result<(), StoreError>) {
        if let Err(problem) = result {
            warn!(operation = %self.operation, %problem, "writing down progress");
        }
    }
}
