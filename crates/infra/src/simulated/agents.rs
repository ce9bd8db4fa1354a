//! Simulated agents: they take a while to come up, report that, and live as long as their machines run.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use jeroboam_model::{NodePhase, Report};
use jeroboam_types::agent::{ComponentReport, ComponentState, Facts, REPORT_SECONDS};
use uuid::Uuid;

use super::Simulated;
use super::world::{SimulatedMachine, World};

/// Between two attempts to report.
const REPORT_AGAIN: Duration = Duration::from_secs(1);

/// Receives the reports of simulated agents; real agents call the agent endpoint.
#[async_trait]
pub trait AgentSink: Send + Sync {
    /// Stores a report.
    async fn report(&self, node: Uuid, report: Report) -> Heard;

    /// Heartbeats of the agents of these nodes: their last reports still hold. Returns those that have to report again.
    async fn heartbeats(&self, nodes: &[Uuid]) -> Vec<Uuid>;
}

/// Result of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It was stored.
    Kept,
    /// It was not stored; the agent retries.
    Lost,
    /// The node is not known any more: its agent stops.
    Unknown,
}

impl Simulated {
    /// Simulates the start of a machine's agent: its components take a while, then the engine knows its node.
    pub(super) fn start_agent(&self, cluster: Uuid, node: Uuid, machine: &SimulatedMachine) {
        let this = self.clone();
        let machine = machine.clone();
        self.runtime.spawn(async move {
            if !this.report(cluster, node, &machine, NodePhase::Starting).await {
                return;
            }
            tokio::time::sleep(this.settings.agent_start).await;
            if this.lock().come_up(cluster, node, &machine) {
                this.report(cluster, node, &machine, NodePhase::Up).await;
            }
        });
    }

    /// Reports until the report is stored; false when the machine no longer runs, or its node is gone.
    async fn report(&self, cluster: Uuid, node: Uuid, machine: &SimulatedMachine, phase: NodePhase) -> bool {
        while self.lock().is_alive(cluster, node, machine) {
            match self.sink.report(node, simulated_report(phase)).await {
                Heard::Kept => return true,
                Heard::Lost => tokio::time::sleep(REPORT_AGAIN).await,
                Heard::Unknown => return false,
            }
        }
        false
    }
}

/// Sends the heartbeats of all agents, as long as the world exists.
pub(super) async fn beat(world: Weak<Mutex<World>>, sink: Arc<dyn AgentSink>) {
    loop {
        tokio::time::sleep(Duration::from_secs(REPORT_SECONDS)).await;
        let Some(world) = world.upgrade() else { return };
        let nodes = world.lock().unwrap_or_else(PoisonError::into_inner).nodes_up();
        drop(world);
        for node in sink.heartbeats(&nodes).await {
            sink.report(node, simulated_report(NodePhase::Up)).await;
        }
    }
}

fn simulated_report(phase: NodePhase) -> Report {
    let state = if phase == NodePhase::Up { ComponentState::Up } else { ComponentState::Starting };
    Report {
        // There are no assignments: every report counts as one of the newest revision.
        revision: u32::MAX.into(),
        // Nor are there certificates.
        authorities: 0,
        phase,
        components: vec![ComponentReport {
            name: "simulated".into(),
            state,
            version: None,
            restarts: 0,
            recent_restarts: 0,
            started_at: None,
            ready_at: None,
            log: Vec::new(),
        }],
        problem: None,
        facts: Facts { agent: env!("CARGO_PKG_VERSION").into(), kernel: "simulated".into(), ..Facts::default() },
        swarm: None,
        engine_nodes: None,
    }
}
