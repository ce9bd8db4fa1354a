//! What a repair knows of the nodes that it waits for: what was done for them, and which did not come up in time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jeroboam_model::plan::{self, Action, Desired, Observed};
use jeroboam_model::{Cause, CauseExt, Code, NodeRole, OperationKind, StepStatus};
use jeroboam_types::operation::Step;
use uuid::Uuid;

use crate::run::Run;
use crate::wait::Facts;

/// How long a repair waits for a node before it does anything for it, and after each remedy.
const UNAIDED: Duration = Duration::from_secs(10);
const AFTER_COMPONENTS: Duration = Duration::from_secs(60);
const AFTER_MACHINE: Duration = Duration::from_secs(150);
const AFTER_REPLACEMENT: Duration = Duration::from_secs(240);

/// What a repair knows of its nodes.
#[derive(Debug, Default)]
pub(crate) struct Hope(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// How long to wait for each node after its last remedy.
    patience: BTreeMap<String, Duration>,
    /// Nodes that did not come up in that time, and what they were waited for.
    lost: BTreeMap<Uuid, Cause>,
    /// Nodes whose machines the infrastructure refuses to start, and why.
    refused: BTreeMap<Uuid, Cause>,
}

impl Hope {
    /// Takes over the steps of an earlier conductor: the waits after them start again.
    pub(crate) fn after(steps: &[Step]) -> Self {
        let done = steps.iter().filter(|step| matches!(step.status, StepStatus::Done | StepStatus::Running));
        let mut known = Known::default();
        for step in done {
            let Some((remedy, node)) = step.key.split_once('/') else { continue };
            let Some(patience) = patience_after(remedy) else { continue };
            let longest = known.patience.entry(node.to_owned()).or_default();
            *longest = patience.max(*longest);
        }
        Self(Mutex::new(known))
    }

    /// Nodes that did not come up in time.
    pub(crate) fn lost(&self) -> BTreeSet<Uuid> {
        self.lock().lost.keys().copied().collect()
    }

    /// Nodes whose machines the infrastructure refuses to start.
    pub(crate) fn refused(&self) -> BTreeSet<Uuid> {
        self.lock().refused.keys().copied().collect()
    }

    /// Why the repair gave up on a node.
    pub(crate) fn cause_of(&self, node: Uuid) -> Option<Cause> {
        let known = self.lock();
        known.refused.get(&node).or_else(|| known.lost.get(&node)).cloned()
    }

    /// Records that the infrastructure permanently refuses to start the node's machine.
    pub(crate) fn refuses(&self, node: Uuid, cause: &Cause) {
        self.lock().refused.insert(node, cause.clone());
    }

    /// Records a remedy for a node: the wait for it starts again.
    pub(crate) fn rises(&self, action: &Action) {
        let (Some(node), key) = (action.node(), action.key()) else { return };
        let Some(patience) = key.split_once('/').and_then(|(remedy, _)| patience_after(remedy)) else { return };
        let mut known = self.lock();
        // A replaced machine is started after that: the longer wait counts, unless it has already run out.
        let before = match known.lost.remove(&node.uuid) {
            Some(_) => Duration::ZERO,
            None => known.patience.get(&node.name).copied().unwrap_or_default(),
        };
        known.patience.insert(node.name.clone(), patience.max(before));
    }

    /// A problem that affected all nodes has passed: the waits for all of them start again.
    pub(crate) fn returns(&self) {
        self.lock().lost.clear();
    }

    fn sinks(&self, node: Uuid, cause: &Cause) {
        self.lock().lost.insert(node, cause.clone());
    }

    fn patience_with(&self, node: &str) -> Duration {
        self.lock().patience.get(node).copied().unwrap_or(UNAIDED)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait for a node after a step whose key starts with this word.
fn patience_after(remedy: &str) -> Option<Duration> {
    match remedy {
        "restart-components" => Some(AFTER_COMPONENTS),
        "machine" | "restart-machine" | "recreate-machine" => Some(AFTER_MACHINE),
        "replace-machine" => Some(AFTER_REPLACEMENT),
        _ => None,
    }
}

impl Run<'_> {
    /// Whether nodes that do not come up get remedies.
    pub(crate) fn heals(&self) -> bool {
        self.kind() == OperationKind::Repair
    }

    /// Whether a repair has waited long enough for the node since its last remedy.
    pub(crate) fn waited_in_vain(&self, action: &Action, waited: Duration) -> bool {
        let Some(node) = action.node().filter(|_| self.heals()) else { return false };
        waited > self.hope.patience_with(&node.name)
    }

    /// Fails the steps of nodes that did not come up in time. The next plan has a remedy for them; if there is none,
    /// the other nodes go on without them.
    pub(crate) async fn give_up_hope(&self, facts: &Facts, in_vain: Vec<(&Action, Cause)>) -> Result<(), Cause> {
        for (action, cause) in in_vain {
            let Some(node) = action.node() else { continue };
            let cause = self.with_last_words(facts, action, cause).await;
            let told = if cause.message.contains(&node.name) { String::new() } else { format!("node {}: ", node.name) };
            let cause = Cause { message: format!("{told}{}", cause.message), retryable: false, ..cause };
            self.hope.sinks(node.uuid, &cause);
            self.closed(&action.key());
            self.stored("recording the step", self.held.step_failed(&action.key(), &cause).await)?;
        }
        Ok(())
    }

    /// Why a repair that has nothing left to do has not restored everything; `None` when it has.
    pub(crate) fn beyond_help(&self, desired: &Desired, observed: &Observed) -> Option<Cause> {
        let unwell = plan::unwell(desired, observed);
        let (node, cause) = unwell.iter().find_map(|node| Some((node, self.hope.cause_of(node.uuid)?)))?;
        if node.role == NodeRole::Worker && plan::too_many_unwell(node.group, desired, observed) {
            let message = format!(
                "{} nodes are unhealthy: no machine is replaced while that is too much of a node group. {}",
                unwell.len(),
                cause.message
            );
            let action = "look for what they have in common; machines are replaced once fewer are unhealthy";
            return Some(Cause { detail: cause.detail, ..Cause::operator(Code::ReplacementHeld, message, action) });
        }
        Some(cause)
    }
}
