//! The actions that wait for nodes: until the agent is up, until the engine takes the node.

use std::time::Duration;

use jeroboam_model::plan::{MachineState, NodeRef};
use jeroboam_model::{Cause, CauseExt, Node, NodePhase};
use jeroboam_store::{ClusterRecord, StoreError};
use jeroboam_types::agent::{ComponentState, Problem};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::run::Run;

/// Between two looks when no event wakes us.
const LOOK: Duration = Duration::from_secs(1);
/// Between two questions to an engine whether a node is ready.
const ASK_ENGINE: Duration = Duration::from_millis(150);
/// How long a machine that runs may stay silent before that is a failure: a VM boots in less.
const FIRST_CALL_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// How often a component may end by itself before its node counts as failed.
const GIVE_UP_RESTARTS: u32 = 6;
/// How many log lines go into a cause.
const LOG_LINES: usize = 12;

impl Run<'_> {
    /// Waits until the node's agent says that all its components run. Fails when the agent gives up, a component
    /// keeps ending, or the machine ends.
    pub(crate) async fn await_agent(&self, record: &ClusterRecord, node: &NodeRef) -> Result<(), Cause> {
        let store = &self.conductor.store;
        let mut events = store.subscribe();
        let started = Instant::now();
        let mut last_look_at_machine: Option<Instant> = None;
        let mut told = String::new();
        loop {
            let row = match store.node(node.uuid).await {
                Ok(row) => row,
                // Taken out meanwhile: the next plan knows.
                Err(StoreError::NotFound { .. }) => return Ok(()),
                Err(problem) => return self.stored("reading the node", Err(problem)),
            };
            let heard = !row.is_silent(self.conductor.clock.now());
            let authorities = store.authorities_generation(record.cluster.uuid).await;
            let authorities = self.stored("reading the cluster's authorities", authorities)?;
            match row.phase_under(authorities) {
                Some(NodePhase::Up) if heard => return Ok(()),
                Some(NodePhase::Failed) => return Err(node_failed(&row)),
                _ => {}
            }
            if let Some(cause) = keeps_ending(&row) {
                return Err(cause);
            }
            let progress = progress(&row, authorities);
            if progress != told {
                let written = store
                    .step_progress(self.operation, self.lease.fence, &format!("node/{}", node.name), &progress)
                    .await;
                self.stored("writing down progress", written)?;
                told = progress;
            }
            if last_look_at_machine.is_none_or(|at| at.elapsed() >= LOOK) {
                last_look_at_machine = Some(Instant::now());
                self.check_machine(record, node).await?;
            }
            if row.report.is_none() && started.elapsed() > FIRST_CALL_PATIENCE {
                return Err(self.never_called(record, node).await);
            }
            let mine = async {
                loop {
                    match events.recv().await {
                        Ok(event) if event.node == Some(node.uuid) => return,
                        Ok(_) | Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => std::future::pending().await,
                    }
                }
            };
            let _ = tokio::time::timeout(LOOK, mine).await;
        }
    }

    /// Waits until the engine would place work on the node.
    pub(crate) async fn await_ready(&self, record: &ClusterRecord, node: &NodeRef) -> Result<(), Cause> {
        let engine = self.conductor.engines.of(record.cluster.engine);
        let access = self.access().await?;
        let mut last_look_at_machine = Instant::now();
        let mut told = String::new();
        loop {
            let nodes = engine.nodes(&access).await?;
            let progress = match nodes.iter().find(|known| known.name == node.name) {
                Some(known) if known.ready => return Ok(()),
                Some(known) => known.reason.clone().unwrap_or_else(|| "not ready yet".into()),
                None => "has not joined yet".into(),
            };
            if progress != told {
                let written = self
                    .conductor
                    .store
                    .step_progress(self.operation, self.lease.fence, &format!("ready/{}", node.name), &progress)
                    .await;
                self.stored("writing down progress", written)?;
                told = progress;
            }
            if last_look_at_machine.elapsed() >= LOOK {
                last_look_at_machine = Instant::now();
                self.check_machine(record, node).await?;
            }
            tokio::time::sleep(ASK_ENGINE).await;
        }
    }

    /// A machine that has ended will not come up by waiting.
    async fn check_machine(&self, record: &ClusterRecord, node: &NodeRef) -> Result<(), Cause> {
        let Some(diagnosis) = self.conductor.infra.diagnose(record.cluster.uuid, node.uuid).await? else {
            return Err(Cause::operator(
                "machine_gone",
                format!("node {}: its machine is gone", node.name),
                "find out who removed it, then retry the operation: it makes a new one",
            ));
        };
        if diagnosis.state != MachineState::Stopped {
            return Ok(());
        }
        let cause = Cause::operator(
            "machine_stopped",
            format!("node {}: {}", node.name, diagnosis.summary),
            "retry the operation: it replaces the machine",
        );
        Err(if diagnosis.log.is_empty() { cause } else { cause.said(last_lines(&diagnosis.log)) })
    }

    async fn never_called(&self, record: &ClusterRecord, node: &NodeRef) -> Cause {
        let cause = Cause::operator(
            "agent_silent",
            format!("node {}: its machine runs, but its agent has not called home", node.name),
            "see that machines can reach the agent endpoint (firewall, route), then retry the operation",
        );
        match self.conductor.infra.diagnose(record.cluster.uuid, node.uuid).await {
            Ok(Some(diagnosis)) if !diagnosis.log.is_empty() => cause.said(last_lines(&diagnosis.log)),
            _ => cause,
        }
    }
}

/// What the agent itself calls a failure.
fn node_failed(node: &Node) -> Cause {
    match node.report.as_ref().and_then(|report| report.problem.as_ref()) {
        Some(problem) => from_problem(&node.name, problem),
        None => Cause::operator("node_failed", format!("node {}: failed", node.name), "retry the operation"),
    }
}

fn from_problem(node: &str, problem: &Problem) -> Cause {
    let component = problem.component.as_ref().map(|component| format!("{component}: ")).unwrap_or_default();
    let cause = Cause::operator(
        &problem.code,
        format!("node {node}: {component}{}", problem.message),
        "mend what it names, then retry the operation",
    );
    if problem.log.is_empty() { cause } else { cause.said(last_lines(&problem.log)) }
}

/// A component that was started again too often.
fn keeps_ending(node: &Node) -> Option<Cause> {
    let component = node
        .report
        .as_ref()?
        .components
        .iter()
        .find(|component| component.restarts >= GIVE_UP_RESTARTS && component.state != ComponentState::Up)?;
    let cause = Cause::operator(
        "component_crashed",
        format!("node {}: {} ended {} times", node.name, component.name, component.restarts),
        "its last words say why; mend that, then retry the operation",
    );
    Some(if component.log.is_empty() { cause } else { cause.said(last_lines(&component.log)) })
}

/// What is happening on the node, in a line.
fn progress(node: &Node, authorities: u64) -> String {
    let Some(report) = &node.report else { return "waiting for its agent to call home".into() };
    if let Some(problem) = &report.problem {
        let component = problem.component.as_ref().map(|component| format!("{component}: ")).unwrap_or_default();
        return format!("{component}{}", problem.message);
    }
    let not_up: Vec<&str> = report
        .components
        .iter()
        .filter(|component| component.state != ComponentState::Up)
        .map(|component| component.name.as_str())
        .collect();
    match not_up[..] {
        [] if node.phase_under(authorities) != node.phase() => "runs with certificates of the old authorities".into(),
        [] => "its agent is getting its assignment".into(),
        _ => format!("starting {}", not_up.join(", ")),
    }
}

fn last_lines(log: &[String]) -> String {
    log[log.len().saturating_sub(LOG_LINES)..].join("\n")
}
