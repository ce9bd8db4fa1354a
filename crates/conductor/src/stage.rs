//! Runs a stage of a plan: its actions concurrently, machines to create and machines to remove in one call each.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, FuturesUnordered};
use futures::{FutureExt, StreamExt};
use jeroboam_infra::{Machine, MachineSpec, Progress};
use jeroboam_model::plan::{Action, NodeRef, Observed};
use jeroboam_model::{Cause, CauseExt, NodeRole};
use jeroboam_store::ClusterRecord;
use tracing::{debug, info};
use uuid::Uuid;

use crate::perform::reference;
use crate::run::Run;

/// How long the other actions may run on after a step has failed permanently, before they are aborted. The next
/// observation finds whatever they leave.
const GRACE: Duration = Duration::from_secs(5);

impl Run<'_> {
    /// Runs all of these. The first that fails permanently ends the stage: its cause becomes the operation's. A
    /// retryable failure is returned once all have finished.
    pub(crate) async fn act(
        &self,
        record: &ClusterRecord,
        observed: &Observed,
        actions: &[&Action],
    ) -> Result<(), Cause> {
        // If the check behind the gate shows that this is the wrong database, we lose the lease on the operation.
        self.conductor.settings.gate.passed().await;
        let mut ensure = Vec::new();
        let mut remove = Vec::new();
        let mut doing: FuturesUnordered<BoxFuture<'_, Result<(), Cause>>> = FuturesUnordered::new();
        for action in actions {
            match action {
                Action::EnsureMachine(node) => ensure.push(node),
                Action::RemoveMachine(node) => remove.push(node),
                _ => doing.push(self.one(record, action).boxed()),
            }
        }
        if !ensure.is_empty() {
            doing.push(self.ensure_machines(record, observed, ensure).boxed());
        }
        if !remove.is_empty() {
            doing.push(self.remove_machines(record, remove).boxed());
        }
        let mut may_pass = None;
        while let Some(done) = doing.next().await {
            match done {
                Ok(()) => {}
                Err(cause) if cause.retryable => may_pass = may_pass.or(Some(cause)),
                Err(cause) => {
                    let rest = async { while doing.next().await.is_some() {} };
                    let _ = tokio::time::timeout(GRACE, rest).await;
                    return Err(cause);
                }
            }
        }
        may_pass.map_or(Ok(()), Err)
    }

    /// Runs one action and records its outcome.
    async fn one(&self, record: &ClusterRecord, action: &Action) -> Result<(), Cause> {
        let _slot = self.conductor.slots.take(&record.cluster.project_id, self.kind()).await;
        self.begun(action).await?;
        let outcome = self.perform(record, action).await;
        if outcome.is_ok() {
            self.hope.rises(action);
        }
        self.ended(&action.key(), outcome).await
    }

    /// Ensures that the nodes have running machines.
    async fn ensure_machines(
        &self,
        record: &ClusterRecord,
        observed: &Observed,
        nodes: Vec<&NodeRef>,
    ) -> Result<(), Cause> {
        let _slot = self.conductor.slots.take(&record.cluster.project_id, self.kind()).await;
        let mut specs = Vec::new();
        for node in nodes {
            let Some(spec) = self.machine_spec(record, observed, node).await? else { continue };
            self.begun(&Action::EnsureMachine(node.clone())).await?;
            specs.push(spec);
        }
        let cluster = reference(&self.conductor.store, record).await?;
        let (progress, reports) = Progress::channel();
        let made = self.conductor.infra.ensure_machines(&cluster, &specs, &progress);
        let key = |node| specs.iter().find(|spec| Some(spec.node) == node).map(machine_key);
        Box::pin(self.followed(self.note_machines(record, made), reports, key)).await
    }

    /// Records how each machine fared.
    async fn note_machines(
        &self,
        record: &ClusterRecord,
        mut made: BoxStream<'_, (Uuid, Result<Machine, Cause>)>,
    ) -> Result<(), Cause> {
        let mut first = None;
        while let Some((node, outcome)) = next(&mut made, first.as_ref()).await {
            let Some(row) = record.nodes.iter().find(|row| row.uuid == node) else { continue };
            let outcome = match outcome {
                Ok(machine) => self.conductor.note_machine(&self.held, record, row, &machine).await,
                Err(cause) => Err(cause),
            };
            let action = Action::EnsureMachine(NodeRef { uuid: node, name: row.name.clone() });
            self.hope.rises(&action);
            match self.ended(&action.key(), outcome).await {
                // A repair restores the other nodes without it.
                Err(cause) if self.heals() && !cause.retryable => self.hope.refuses(node, &cause),
                Err(cause) => first = worse(first, cause),
                Ok(()) => {}
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Ensures that the nodes have no machines.
    async fn remove_machines(&self, record: &ClusterRecord, nodes: Vec<&NodeRef>) -> Result<(), Cause> {
        let _slot = self.conductor.slots.take(&record.cluster.project_id, self.kind()).await;
        for node in &nodes {
            self.begun(&Action::RemoveMachine((*node).clone())).await?;
        }
        let ids: Vec<Uuid> = nodes.iter().map(|node| node.uuid).collect();
        let (progress, reports) = Progress::channel();
        let mut gone = self.conductor.infra.remove_machines(record.cluster.uuid, &ids, &progress);
        let key = |id| {
            let node = nodes.iter().find(|node| Some(node.uuid) == id)?;
            Some(Action::RemoveMachine((*node).clone()).key())
        };
        let noted = async {
            let mut first = None;
            while let Some((id, outcome)) = next(&mut gone, first.as_ref()).await {
                let Some(node) = nodes.iter().find(|node| node.uuid == id) else { continue };
                if let Err(cause) = self.ended(&Action::RemoveMachine((*node).clone()).key(), outcome).await {
                    first = worse(first, cause);
                }
            }
            first.map_or(Ok(()), Err)
        };
        Box::pin(self.followed(noted, reports, key)).await
    }

    /// The specification of a node's machine; `None` when the node was removed since the plan was made.
    async fn machine_spec(
        &self,
        record: &ClusterRecord,
        observed: &Observed,
        node: &NodeRef,
    ) -> Result<Option<MachineSpec>, Cause> {
        let Some(row) = record.nodes.iter().find(|row| row.uuid == node.uuid) else { return Ok(None) };
        if observed.disks.contains(&node.uuid) {
            // The machine continues with its disk, but the agent's report from before it stopped is out of date.
            self.stored("deleting the agent's last report", self.held.forget_report(node.uuid).await)?;
        } else if row.role == NodeRole::Master && row.joined_at.is_some() {
            self.stored("resetting the cluster's state", self.held.begin_cluster_anew(node.uuid).await)?;
        } else {
            self.stored("deleting the record of the earlier machine", self.held.begin_anew(node.uuid).await)?;
        }
        let bootstrap = self.conductor.birth.bootstrap(&self.held, node.uuid, self.conductor.clock.now()).await?;
        Ok(Some(MachineSpec {
            node: node.uuid,
            name: row.name.clone(),
            role: row.role,
            slot: row.slot,
            image: row.target.image.clone(),
            flavor: row.target.flavor.clone(),
            bootstrap,
        }))
    }

    /// Records that a step starts.
    pub(crate) async fn begun(&self, action: &Action) -> Result<(), Cause> {
        let key = action.key();
        self.opened(action);
        self.stored("recording the step", self.held.step_running(&key).await)?;
        debug!(step = key, "step begins");
        Ok(())
    }

    /// Records the outcome of a step.
    pub(crate) async fn ended(&self, key: &str, outcome: Result<(), Cause>) -> Result<(), Cause> {
        let written = match &outcome {
            Ok(()) => {
                self.closed(key);
                self.held.step_done(key).await
            }
            Err(cause) if cause.retryable => {
                info!(step = key, cause = cause.one_line(), "blocked");
                self.held_up(key, cause);
                self.held.step_blocked(key, cause).await
            }
            Err(cause) => {
                info!(step = key, cause = cause.one_line(), "failed");
                self.closed(key);
                self.held.step_failed(key, cause).await
            }
        };
        self.stored("recording the step", written)?;
        outcome
    }
}

/// The step that a machine is made in.
fn machine_key(spec: &MachineSpec) -> String {
    Action::EnsureMachine(NodeRef { uuid: spec.node, name: spec.name.clone() }).key()
}

/// The next outcome of several machines; after a permanent failure only those that come within [`GRACE`].
async fn next<T>(outcomes: &mut BoxStream<'_, T>, failed: Option<&Cause>) -> Option<T> {
    if failed.is_some_and(|cause| !cause.retryable) {
        return tokio::time::timeout(GRACE, outcomes.next()).await.ok().flatten();
    }
    outcomes.next().await
}

/// Of two causes the one to report: a permanent one before a retryable one, the earlier before the later.
fn worse(first: Option<Cause>, next: Cause) -> Option<Cause> {
    match first {
        Some(first) if !first.retryable || next.retryable => Some(first),
        _ => Some(next),
    }
}
