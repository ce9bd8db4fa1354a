//! Waits for agents and engines. A wait holds no slot and costs little: it sleeps until something is reported, or
//! until the next check is due.

use std::collections::BTreeMap;
use std::time::Duration;

use jeroboam_engine::EngineNode;
use jeroboam_infra::{Machine, Observation};
use jeroboam_model::condition::{self, last_lines};
use jeroboam_model::plan::{Action, MachineState, NodeRef};
use jeroboam_model::{Cause, CauseExt, Code, Node, NodePhase};
use jeroboam_store::ClusterRecord;
use jeroboam_types::agent::ComponentState;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::run::Run;

/// Between two checks of the machines, at least and at most: as long as the wait has taken so far. Checks only back up
/// what infrastructures and agents report, and hundreds of clusters may wait at once.
const LOOK: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// Between two requests to an engine for its nodes: an eighth of that.
const ASK_ENGINE: (Duration, Duration) = (Duration::from_millis(150), Duration::from_secs(1));
/// How long the agent of a running machine may stay silent before that is a failure: a VM boots in less.
const FIRST_CALL_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// How often a machine may be restarted without a call of its agent before that is a failure: its agent cannot run.
const MOST_RESTARTS: u32 = 5;
/// How long a node may report the same problem before that is a failure; and a problem of its machine, which rarely
/// goes away.
const PROBLEM_PATIENCE: Duration = Duration::from_secs(3 * 60);
const UNFIT_PATIENCE: Duration = Duration::from_secs(20);
/// A problem that is reported again within this time was not solved in between.
const PROBLEM_GAP: Duration = Duration::from_secs(30);
/// How often a component may exit recently before its node counts as failed.
const GIVE_UP_RESTARTS: u32 = 6;

/// A problem that a node reports.
struct Struggle {
    code: String,
    /// When it was reported first and last.
    first: Instant,
    last: Instant,
}

/// State of a wait.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// What was waited for has happened.
    Done,
    /// Not yet: this holds it up. Users see its message meanwhile.
    Waiting(Cause),
    /// It will not happen.
    Failed(Cause),
    /// Something else is missing: a new plan is needed.
    Changed,
}

/// What is known of the cluster during a wait.
pub(crate) struct Facts {
    record: ClusterRecord,
    /// Generation of the cluster's authorities.
    authorities: u64,
    now: Timestamp,
    machines: Observation,
    /// The engine's nodes by name; empty when no wait needs them.
    engine: BTreeMap<String, EngineNode>,
}

impl Run<'_> {
    /// Waits until all of these have happened, one has failed, or something else is missing.
    pub(crate) async fn wait(&self, waits: &[&Action]) -> Result<(), Cause> {
        for action in waits {
            self.begun(action).await?;
        }
        let outcome = self.wait_on(waits).await;
        for action in waits {
            self.closed(&action.key());
        }
        outcome
    }

    async fn wait_on(&self, waits: &[&Action]) -> Result<(), Cause> {
        let started = Instant::now();
        let asks_engine = waits.iter().any(|action| matches!(action, Action::AwaitReady(_)));
        let mut open: Vec<&Action> = waits.to_vec();
        let mut told: BTreeMap<String, String> = BTreeMap::new();
        let mut struggles: BTreeMap<String, Struggle> = BTreeMap::new();
        let mut machines: Option<(Observation, Instant)> = None;
        loop {
            // Registered before the checks, so that nothing reported during them is missed.
            let fact = self.bell.fact.notified();
            tokio::pin!(fact);
            fact.as_mut().enable();

            let look_every = started.elapsed().clamp(LOOK.0, LOOK.1);
            let ask_every = (started.elapsed() / 8).clamp(ASK_ENGINE.0, ASK_ENGINE.1);
            let has_changed = self.bell.take_machines();
            let known = machines.take().filter(|(_, at)| at.elapsed() < look_every && !has_changed);
            // A machine that has just been started tells nothing yet.
            let is_new = known.is_none() && started.elapsed() > LOOK.0;
            let seen = match known {
                Some(known) => known,
                None => (self.conductor.infra.observe(self.held.cluster()).await?, Instant::now()),
            };
            let facts = self.facts_for(seen.0.clone(), asks_engine).await?;
            machines = Some(seen);
            let (mut still_open, mut in_vain) = (Vec::new(), Vec::new());
            for action in open {
                let verdict = match facts.verdict(action, started.elapsed()) {
                    Verdict::Waiting(cause) if facts.struggles_too_long(action, &cause, &mut struggles) => {
                        Verdict::Failed(Cause { retryable: false, ..cause })
                    }
                    Verdict::Waiting(cause) if is_new => match self.keeps_restarting(&facts, action).await {
                        Some(cause) => Verdict::Failed(cause),
                        None => Verdict::Waiting(cause),
                    },
                    verdict => verdict,
                };
                match verdict {
                    Verdict::Done => self.ended(&action.key(), Ok(())).await?,
                    Verdict::Changed => return Ok(()),
                    Verdict::Failed(cause) if self.heals() => in_vain.push((action, cause)),
                    Verdict::Waiting(cause) if self.waited_in_vain(action, started.elapsed()) => {
                        in_vain.push((action, Cause { retryable: false, ..cause }));
                    }
                    Verdict::Failed(cause) => {
                        let cause = self.with_last_words(&facts, action, cause).await;
                        return self.ended(&action.key(), Err(cause)).await;
                    }
                    Verdict::Waiting(cause) => {
                        self.tell(&action.key(), &cause, &mut told).await?;
                        still_open.push(action);
                    }
                }
            }
            if !in_vain.is_empty() {
                return self.give_up_hope(&facts, in_vain).await;
            }
            if still_open.is_empty() {
                return Ok(());
            }
            open = still_open;
            let pause = if asks_engine { ask_every } else { look_every };
            let _ = tokio::time::timeout(pause, fact).await;
        }
    }

    async fn facts_for(&self, machines: Observation, asks_engine: bool) -> Result<Facts, Cause> {
        let record = self.record().await?;
        let store = &self.conductor.store;
        let authorities = store.authorities_generation(record.id()).await;
        let authorities = self.stored("reading the cluster's authorities", authorities)?;
        let engine = if asks_engine {
            let access = self.conductor.accesses.of(&record).await?;
            let nodes = self.conductor.engines.of(record.cluster.engine)?.nodes(&access).await?;
            by_name(nodes)
        } else {
            BTreeMap::new()
        };
        Ok(Facts { record, authorities, now: self.conductor.clock.now(), machines, engine })
    }

    /// Reports what a step waits for, when that has changed.
    async fn tell(&self, key: &str, cause: &Cause, told: &mut BTreeMap<String, String>) -> Result<(), Cause> {
        self.held_up(key, cause);
        if told.get(key) == Some(&cause.message) {
            return Ok(());
        }
        told.insert(key.to_owned(), cause.message.clone());
        self.stored("recording progress", self.held.step_progress(key, &cause.message).await)
    }

    /// The cause when the machine of an agent that has not called home is restarted again and again.
    async fn keeps_restarting(&self, facts: &Facts, action: &Action) -> Option<Cause> {
        let Action::AwaitAgent(node) = action else { return None };
        let row = facts.record.nodes.iter().find(|row| row.uuid == node.uuid)?;
        if row.report.is_some() {
            return None;
        }
        let diagnosis = self.conductor.infra.diagnose(facts.record.cluster.uuid, node.uuid).await.ok()??;
        let cause = Cause::operator(
            Code::MachineStopped,
            format!("node {}: {}", node.name, diagnosis.summary),
            "its last log lines say why; fix that, then retry the operation",
        );
        (diagnosis.restarts >= MOST_RESTARTS).then(|| cause.said(last_lines(&diagnosis.log)))
    }

    /// Adds the machine's last log lines to a cause that has no detail.
    pub(crate) async fn with_last_words(&self, facts: &Facts, action: &Action, cause: Cause) -> Cause {
        let Some(node) = action.node().filter(|_| cause.detail.is_none()) else { return cause };
        match self.conductor.infra.diagnose(facts.record.cluster.uuid, node.uuid).await {
            Ok(Some(diagnosis)) if !diagnosis.log.is_empty() => cause.said(last_lines(&diagnosis.log)),
            _ => cause,
        }
    }
}

/// The engine may still list the earlier self of a recreated node under the same name: the one that is ready counts.
fn by_name(nodes: Vec<EngineNode>) -> BTreeMap<String, EngineNode> {
    let mut by_name: BTreeMap<String, EngineNode> = BTreeMap::new();
    for node in nodes {
        let is_better = by_name.get(&node.name).is_none_or(|known| !known.ready);
        if is_better {
            by_name.insert(node.name.clone(), node);
        }
    }
    by_name
}

impl Facts {
    fn verdict(&self, action: &Action, waited: Duration) -> Verdict {
        let (Action::AwaitAgent(node) | Action::AwaitReady(node)) = action else { return Verdict::Changed };
        // Removed meanwhile: the next plan takes account of that.
        let Some(row) = self.record.nodes.iter().find(|row| row.uuid == node.uuid) else { return Verdict::Changed };
        let machine = self.machines.machines.get(&node.uuid);
        if let Some(verdict) = of_machine(row, machine, self.now) {
            return verdict;
        }
        match action {
            Action::AwaitAgent(_) => of_agent(row, self.authorities, self.now, waited),
            _ => self.of_engine(node, row),
        }
    }

    /// Whether the node's agent has reported this problem for so long that it will not go away.
    fn struggles_too_long(&self, action: &Action, cause: &Cause, since: &mut BTreeMap<String, Struggle>) -> bool {
        let row = action.node().and_then(|node| self.record.nodes.iter().find(|row| row.uuid == node.uuid));
        let has_problem = row.and_then(|row| row.report.as_ref()).is_some_and(|report| report.problem.is_some());
        let now = Instant::now();
        let known = since.get(&action.key()).filter(|known| {
            // An agent that tries again has no problem for a moment.
            let is_same = !has_problem || known.code == cause.code;
            is_same && now.duration_since(known.last) < PROBLEM_GAP
        });
        if !has_problem {
            if known.is_none() {
                since.remove(&action.key());
            }
            return false;
        }
        let first = known.map_or(now, |known| known.first);
        since.insert(action.key(), Struggle { code: cause.code.clone(), first, last: now });
        let patience = if cause.kind() == Some(Code::MachineUnfit) { UNFIT_PATIENCE } else { PROBLEM_PATIENCE };
        now.duration_since(first) > patience
    }

    fn of_engine(&self, node: &NodeRef, row: &Node) -> Verdict {
        if row.phase_under(self.authorities) != Some(NodePhase::Up) || row.is_silent(self.now) {
            return Verdict::Changed;
        }
        let action = "look at the node's components (bay topology) for what holds it up";
        let cause = match self.engine.get(&node.name) {
            Some(known) if known.ready => return Verdict::Done,
            Some(known) => {
                let why = known.reason.as_deref().unwrap_or("not ready yet");
                Cause::operator(Code::NodeNotReady, why, action)
            }
            None => Cause::operator(Code::NodeNotJoined, "has not joined yet", action),
        };
        Verdict::Waiting(cause.may_pass())
    }
}

/// The verdict on a machine that is not running as planned; `None` when it is.
fn of_machine(row: &Node, machine: Option<&Machine>, now: Timestamp) -> Option<Verdict> {
    match machine.map(|machine| machine.state) {
        Some(MachineState::Running) => None,
        Some(MachineState::Paused) if !row.is_silent(now) => None,
        Some(MachineState::Paused | MachineState::Created | MachineState::Stopped | MachineState::CutOff) | None => {
            Some(Verdict::Changed)
        }
    }
}

fn of_agent(row: &Node, authorities: u64, now: Timestamp, waited: Duration) -> Verdict {
    let is_heard = !row.is_silent(now);
    match row.phase_under(authorities) {
        Some(NodePhase::Up) if is_heard => return Verdict::Done,
        Some(NodePhase::Failed) => return Verdict::Failed(condition::failed(row)),
        _ => {}
    }
    if let Some(cause) = keeps_ending(row) {
        return Verdict::Failed(cause);
    }
    if row.report.is_none() && waited > FIRST_CALL_PATIENCE {
        return Verdict::Failed(Cause::operator(
            Code::AgentSilent,
            format!("node {}: its machine runs, but its agent has not called home", row.name),
            "see that machines can reach the agent endpoint (firewall, route), then retry the operation",
        ));
    }
    Verdict::Waiting(progress(row, authorities, is_heard))
}

/// The cause when a component was restarted too often.
fn keeps_ending(node: &Node) -> Option<Cause> {
    let component = node
        .report
        .as_ref()?
        .components
        .iter()
        .find(|component| component.recent_restarts >= GIVE_UP_RESTARTS && component.state != ComponentState::Up)?;
    let cause = Cause::operator(
        Code::ComponentCrashed,
        format!("node {}: {} ended {} times", node.name, component.name, component.recent_restarts),
        "its last log lines say why; fix that, then retry the operation",
    );
    Some(if component.log.is_empty() { cause } else { cause.said(last_lines(&component.log)) })
}

/// What is happening on the node, in one line, and who must act if it stays so.
fn progress(node: &Node, authorities: u64, is_heard: bool) -> Cause {
    let silent = "see that the machine runs and can reach the agent endpoint (firewall, route)";
    match (&node.report, node.heard_at()) {
        (None, _) => Cause::operator(Code::AgentSilent, "waiting for its agent to call home", silent).may_pass(),
        (Some(_), Some(at)) if !is_heard => {
            Cause::operator(Code::AgentSilent, format!("its agent has said nothing since {at:.0}"), silent).may_pass()
        }
        _ => condition::starting(node, authorities),
    }
}
