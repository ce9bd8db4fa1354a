//! What a repair knows of the nodes that it waits for: what was done for them, and for which it has waited in vain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jeroboam_model::plan::Action;
use jeroboam_model::{Cause, OperationKind};
use uuid::Uuid;

use crate::run::Run;
use crate::wait::Facts;

/// How long a node is waited for before something is done for it, and after each thing that was done.
const UNAIDED: Duration = Duration::from_secs(10);
const AFTER_COMPONENTS: Duration = Duration::from_secs(45);
const AFTER_MACHINE: Duration = Duration::from_secs(90);
const AFTER_REPLACEMENT: Duration = Duration::from_secs(180);

/// What a repair knows of its nodes. Lost with its conductor: the next one waits once more.
#[derive(Debug, Default)]
pub(crate) struct Hope(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// How long each node is waited for after what was done for it last.
    patience: BTreeMap<Uuid, Duration>,
    /// Nodes that were waited for in vain since.
    lost: BTreeSet<Uuid>,
}

impl Hope {
    /// Nodes that were waited for in vain.
    pub(crate) fn lost(&self) -> BTreeSet<Uuid> {
        self.lock().lost.clone()
    }

    /// Something was done for a node: it is waited for once more.
    pub(crate) fn rises(&self, action: &Action) {
        let patience = match action {
            Action::RestartComponents(_) => AFTER_COMPONENTS,
            Action::EnsureMachine(_) | Action::RestartMachine(_) => AFTER_MACHINE,
            Action::ReplaceMachine(_) => AFTER_REPLACEMENT,
            _ => return,
        };
        let Some(node) = action.node() else { return };
        let mut known = self.lock();
        // Of what is done at once, the longest counts: another machine is replaced and started.
        let least = if known.lost.remove(&node.uuid) { Duration::ZERO } else { known.patience_with(node.uuid) };
        known.patience.insert(node.uuid, patience.max(least));
    }

    fn patience_with(&self, node: Uuid) -> Duration {
        self.lock().patience_with(node)
    }

    fn is_lost(&self, node: Uuid) -> bool {
        self.lock().lost.contains(&node)
    }

    /// Whether that is news.
    fn sinks(&self, node: Uuid) -> bool {
        self.lock().lost.insert(node)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn patience_with(&self, node: Uuid) -> Duration {
        self.patience.get(&node).copied().unwrap_or(UNAIDED)
    }
}

impl Run<'_> {
    /// Whether nodes that do not come up by themselves are helped.
    pub(crate) fn heals(&self) -> bool {
        self.kind() == OperationKind::Repair
    }

    /// Whether a repair has waited for the node for long enough, as it is.
    pub(crate) fn waited_in_vain(&self, action: &Action, waited: Duration) -> bool {
        let Some(node) = action.node().filter(|_| self.heals()) else { return false };
        self.hope.is_lost(node.uuid) || waited > self.hope.patience_with(node.uuid)
    }

    /// Notes which nodes were waited for in vain; whether that is news of any.
    pub(crate) fn give_up_hope(&self, in_vain: &[(&Action, Cause)]) -> bool {
        let mut is_news = false;
        for node in in_vain.iter().filter_map(|(action, _)| action.node()) {
            is_news |= self.hope.sinks(node.uuid);
        }
        is_news
    }

    /// Ends the steps of nodes that nothing is left to do for; the first one's cause is the operation's.
    pub(crate) async fn beyond_help(&self, facts: &Facts, in_vain: Vec<(&Action, Cause)>) -> Result<(), Cause> {
        let mut first = Ok(());
        for (action, cause) in in_vain {
            let cause = self.with_last_words(facts, action, cause).await;
            let name = action.node().map(|node| node.name.as_str()).unwrap_or_default();
            let told = if cause.message.contains(name) { String::new() } else { format!("node {name}: ") };
            let cause = Cause { message: format!("{told}{}", cause.message), retryable: false, ..cause };
            let ended = self.ended(&action.key(), Err(cause)).await;
            first = first.and(ended);
        }
        first
    }
}
