//! One operation from lease to end: observe, plan, run the first stage of the plan, and repeat. Its deadline ends it
//! at any point.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use jeroboam_model::plan::{self, Action, Observed, Step};
use jeroboam_model::{Cause, CauseExt, Cluster, Code, OperationKind, kubernetes};
use jeroboam_store::{Claim, ClusterFacts, ClusterRecord, HealthChange, Held, Outcome, Scope, StoreError};
use jeroboam_types::operation::Operation;
use tokio_util::sync::CancellationToken;
use tracing::{Span, debug, error_span, info, warn};

use crate::Conductor;
use crate::bells::Bell;
use crate::hope::Hope;
use crate::lease::Lease;
use crate::observe::{desired, obstacle};
use crate::perform::store_cause;

/// Pauses between attempts of a blocked operation: with jitter from 0.5 s to 15 s.
const BACK_OFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(500))
    .with_max_delay(LONGEST_PAUSE)
    .without_max_times()
    .with_jitter();
const LONGEST_PAUSE: Duration = Duration::from_millis(7500);

/// How often a step may be done and be needed again before we assume that something undoes it.
const MOST_REPETITIONS: u32 = 4;

/// The span of log lines written while an operation runs. Of the highest level, so that a filter that passes a line
/// also passes the span.
pub(crate) fn span(operation: &Operation) -> Span {
    let Operation { uuid, kind, project_id: project, cluster_uuid: cluster, .. } = operation;
    error_span!("operation", operation = %uuid, %kind, %cluster, project)
}

/// Runs one operation until it has finished, its lease is lost, or the conductor shuts down.
pub(crate) async fn run(conductor: &Conductor, claim: Claim, shutdown: CancellationToken) {
    debug!("taken");
    let held = conductor.store.held(&claim);
    let bell = conductor.bells.of(held.cluster());
    let lease = conductor.leases.keep(&held);
    let mut run = Run {
        conductor,
        held,
        bell,
        hope: Hope::after(&claim.operation.steps),
        operation: claim.operation,
        pauses: BACK_OFF.build(),
        repetitions: HashMap::new(),
        open: Mutex::default(),
        last_trouble: None,
    };
    let outcome = tokio::select! {
        biased;
        () = lease.lost.cancelled() => {
            return warn!("the lease is lost: it was not renewed in time, or another conductor has it");
        }
        () = shutdown.cancelled() => return run.give_back().await,
        () = lease.cancel.cancelled() => Outcome::Cancelled,
        () = run.asked_to_end() => Outcome::Cancelled,
        () = run.deadline() => Outcome::Failed(run.too_late().await),
        outcome = run.reach_end() => outcome,
    };
    run.end(outcome, &lease).await;
    let cluster = run.held.cluster();
    drop(run);
    conductor.looks.ask(cluster);
}

/// An operation being run.
pub(crate) struct Run<'a> {
    pub(crate) conductor: &'a Conductor,
    pub(crate) held: Held,
    pub(crate) bell: Arc<Bell>,
    pub(crate) operation: Operation,
    /// Pauses before the next attempts while it is blocked.
    pauses: ExponentialBackoff,
    /// How often each step was done.
    repetitions: HashMap<String, u32>,
    /// The steps that are running or waiting now, by key.
    open: Mutex<BTreeMap<String, Open>>,
    /// What blocked it last: reported as the reason when the deadline passes.
    last_trouble: Option<Cause>,
    /// What a repair knows of its nodes.
    pub(crate) hope: Hope,
}

/// A step that has started and not finished.
struct Open {
    title: String,
    since: tokio::time::Instant,
    /// What it waits for, or what went wrong with it last.
    holds_up: Option<Cause>,
    /// What is being done, as the infrastructure reported it last.
    doing: Option<String>,
}

/// How one round went.
pub(crate) enum Round {
    /// Something was done or has changed.
    Progress,
    /// Nothing is missing.
    Complete(Box<ClusterRecord>),
}

impl Run<'_> {
    pub(crate) fn kind(&self) -> OperationKind {
        self.operation.kind
    }

    /// Returns when cancellation of the operation is requested. A request rings the bell; if that is missed, the next
    /// renewal of the lease sees it.
    fn asked_to_end(&self) -> impl Future<Output = ()> + use<> {
        let (store, bell, operation) = (self.conductor.store.clone(), self.bell.clone(), self.operation.uuid);
        async move {
            loop {
                bell.operation.notified().await;
                if store.is_cancel_requested(operation).await.unwrap_or(false) {
                    return;
                }
            }
        }
    }

    /// Returns when the operation's deadline has passed.
    fn deadline(&self) -> impl Future<Output = ()> + use<> {
        let left = self.operation.deadline_at.map(|at| {
            let left = at.duration_since(self.conductor.clock.now());
            Duration::try_from(left).unwrap_or_default()
        });
        async move {
            match left {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        }
    }

    async fn reach_end(&mut self) -> Outcome {
        loop {
            match self.round().await {
                Ok(Round::Progress) => {
                    if self.last_trouble.take().is_some() {
                        self.pauses = BACK_OFF.build();
                        self.note(self.held.unblock().await);
                    }
                }
                Ok(Round::Complete(record)) => return Outcome::Succeeded { facts: self.facts(&record).await },
                Err(cause) if cause.retryable => self.blocked(cause).await,
                Err(cause) => return Outcome::Failed(cause),
            }
        }
    }

    /// Observes, plans, and runs the first stage of the plan.
    async fn round(&mut self) -> Result<Round, Cause> {
        let record = self.record().await?;
        // Requested under an earlier release, whose agents are on the nodes; ours would not know what to start.
        if let Some(cause) = kubernetes::too_old(&record.cluster).filter(|_| self.kind() != OperationKind::Delete) {
            return Err(cause);
        }
        if let Some(cause) = elsewhere(&record.cluster, self.conductor.infra.name()) {
            return Err(cause);
        }
        let observed = self.conductor.observe(&self.held, self.kind(), &record).await?;
        let observed = Observed { hopeless: self.hope.lost(), unstartable: self.hope.refused(), ..observed };
        let desired = desired(self.kind(), self.operation.replace_data, &record);
        if let Some(cause) = obstacle(self.operation.replace_data, &desired, &observed) {
            return Err(cause);
        }
        let steps = plan::plan(&desired, &observed);
        let to_come = plan::forecast(&desired, &observed);
        self.stored("recording the plan", self.held.record_plan(&to_come).await)?;
        let Some(first) = steps.first() else {
            return match self.beyond_help(&desired, &observed).filter(|_| self.heals()) {
                Some(cause) => Err(cause),
                None => Ok(Round::Complete(Box::new(record))),
            };
        };
        let stage: Vec<&Step> = steps.iter().take_while(|step| step.stage == first.stage).collect();
        let (waits, acts): (Vec<&Action>, Vec<&Action>) =
            stage.iter().map(|step| &step.action).partition(|action| action.is_wait());
        if acts.is_empty() {
            self.wait(&waits).await?;
        } else {
            for action in &acts {
                self.count_repetition(&record, action).await?;
            }
            self.act(&record, &observed, &acts).await?;
        }
        Ok(Round::Progress)
    }

    pub(crate) async fn record(&self) -> Result<ClusterRecord, Cause> {
        self.stored("reading the cluster", self.conductor.store.cluster_by_uuid(&Scope::All, self.held.cluster()).await)
    }

    /// Reports a retryable cause, then waits before the next attempt.
    async fn blocked(&mut self, cause: Cause) {
        let pause = self.pauses.next().unwrap_or(LONGEST_PAUSE);
        self.note(self.held.block(&cause).await);
        self.last_trouble = Some(cause);
        self.hope.returns();
        tokio::time::sleep(pause).await;
    }

    async fn count_repetition(&mut self, record: &ClusterRecord, action: &Action) -> Result<(), Cause> {
        if self.last_trouble.is_some() {
            // After a failure steps are expected to be repeated; the deadline bounds that.
            return Ok(());
        }
        let times = self.repetitions.entry(action.key()).or_default();
        *times += 1;
        if *times <= MOST_REPETITIONS {
            return Ok(());
        }
        if let Action::EnsureMachine(node) = action {
            return Err(self.keeps_stopping(record, node).await);
        }
        Err(Cause::operator(
            Code::StepUndone,
            format!("'{}' was done {MOST_REPETITIONS} times and is missing again each time", action.title()),
            "look at the infrastructure for what removes it, then retry the operation",
        ))
    }

    async fn keeps_stopping(&self, record: &ClusterRecord, node: &plan::NodeRef) -> Cause {
        let diagnosis = self.conductor.infra.diagnose(record.cluster.uuid, node.uuid).await.ok().flatten();
        let how = diagnosis.as_ref().map_or("its machine goes away", |diagnosis| &diagnosis.summary);
        let cause = Cause::operator(
            Code::MachineStopped,
            format!("node {}: started {MOST_REPETITIONS} times, {how} each time", node.name),
            "determine what stops it (its last log lines may say), then retry the operation",
        );
        match diagnosis {
            Some(diagnosis) if !diagnosis.log.is_empty() => cause.said(diagnosis.log.join("\n")),
            _ => cause,
        }
    }

    /// The step has started.
    pub(crate) fn opened(&self, action: &Action) {
        let since = tokio::time::Instant::now();
        let open = Open { title: action.title(), since, holds_up: None, doing: None };
        self.open().entry(action.key()).or_insert(open);
    }

    /// Sets what the step waits for.
    pub(crate) fn held_up(&self, key: &str, cause: &Cause) {
        if let Some(open) = self.open().get_mut(key) {
            open.holds_up = Some(cause.clone());
        }
    }

    /// What is being done in the step.
    pub(crate) fn reported(&self, key: &str, doing: &str) {
        if let Some(open) = self.open().get_mut(key) {
            open.doing = Some(doing.to_owned());
        }
    }

    /// Whether the step has begun and not ended.
    pub(crate) fn is_open(&self, key: &str) -> bool {
        self.open().contains_key(key)
    }

    /// The step has finished, with any outcome.
    pub(crate) fn closed(&self, key: &str) {
        self.open().remove(key);
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cause of an operation that passed its deadline: what held it up. Open steps fail with their own causes.
    async fn too_late(&self) -> Cause {
        let open = std::mem::take(&mut *self.open());
        for (key, step) in &open {
            self.note(self.held.step_failed(key, &step.in_time()).await);
        }
        let late = format!("the {} did not end in time", self.kind());
        // A waiting step knows more than a running one; an earlier problem is better than nothing.
        let said = open.values().filter_map(|step| step.holds_up.as_ref().map(|cause| (step.title.as_str(), cause)));
        let trouble = self.last_trouble.as_ref().map(|cause| ("", cause));
        if let Some((title, cause)) = said.max_by_key(|(_, cause)| !cause.retryable).or(trouble) {
            let at = if title.is_empty() { String::new() } else { format!(" at '{title}'") };
            let late = Cause {
                who_must_act: cause.who_must_act,
                ..Cause::user(Code::DeadlinePassed, format!("{late}{at}: {}", cause.message), cause.action.clone())
            };
            return match &cause.detail {
                Some(detail) => late.said(detail),
                None => late,
            };
        }
        let action = "look at its steps for what took so long, then retry the operation or delete the cluster";
        let doing: Vec<String> = open.values().map(Open::for_so_long).collect();
        match doing[..] {
            [] => Cause::user(Code::DeadlinePassed, late, action),
            _ => Cause::operator(Code::DeadlinePassed, format!("{late}: {}", doing.join(", ")), action),
        }
    }

    /// The facts that clients read of a complete cluster.
    async fn facts(&self, record: &ClusterRecord) -> ClusterFacts {
        if self.kind() == OperationKind::Delete {
            self.conductor.accesses.forget(self.held.cluster()).await;
            return ClusterFacts::default();
        }
        let engine = self.conductor.engines.of(record.cluster.engine);
        let (Ok(engine), Ok(access)) = (engine, self.conductor.accesses.of(record).await) else {
            return ClusterFacts::default();
        };
        let health = engine.health(&access).await;
        let change = HealthChange { status: Some(health.health), reason: Some(health.reason) };
        self.note(self.held.set_health(&change).await);
        ClusterFacts { coe_version: health.version, container_version: health.runtime, ..ClusterFacts::default() }
    }

    async fn end(&self, outcome: Outcome, lease: &Lease) {
        let word = match &outcome {
            Outcome::Succeeded { .. } => "succeeded".to_owned(),
            Outcome::Failed(cause) => format!("failed: {}", cause.one_line()),
            Outcome::Cancelled => "cancelled".to_owned(),
        };
        // Retried until the lease is lost, so that an outage of the database does not lose the outcome.
        let written = async {
            for pause in BACK_OFF.build() {
                match self.held.finish(outcome.clone()).await {
                    Ok(()) => return info!("{word}"),
                    Err(StoreError::LeaseLost) => return,
                    Err(problem) => warn!(%problem, "recording the operation's outcome"),
                }
                tokio::time::sleep(pause).await;
            }
        };
        lease.lost.run_until_cancelled(Box::pin(written)).await;
    }

    async fn give_back(&self) {
        self.note(self.held.release().await);
    }

    pub(crate) fn stored<T>(&self, doing: &str, result: Result<T, StoreError>) -> Result<T, Cause> {
        result.map_err(|problem| store_cause(doing, &problem))
    }

    /// For writes that only inform: when they fail, the operation continues.
    pub(crate) fn note(&self, result: Result<(), StoreError>) {
        if let Err(problem) = result {
            warn!(%problem, "recording progress");
        }
    }
}

impl Open {
    fn for_so_long(&self) -> String {
        let doing = self.doing.as_ref().map(|doing| format!(" ({doing})")).unwrap_or_default();
        format!("'{}' has taken {} s{doing}", self.title, self.since.elapsed().as_secs())
    }

    /// Why the step fails when the deadline passes.
    fn in_time(&self) -> Cause {
        self.holds_up.clone().unwrap_or_else(|| {
            let action = "retry the operation; if it takes as long again, look at what the step works on";
            Cause::operator(Code::DeadlinePassed, self.for_so_long(), action)
        })
    }
}

/// Why this server cannot work on the cluster: it is on another infrastructure than this server's.
fn elsewhere(cluster: &Cluster, here: &str) -> Option<Cause> {
    let there = cluster.infrastructure.as_deref().filter(|there| *there != here)?;
    Some(Cause::operator(
        Code::InfrastructureNotOffered,
        format!("cluster {} is on the infrastructure {there}, and this server works with {here}", cluster.name),
        format!("run a server with --infrastructure {there} on this database, then retry the operation"),
    ))
}
