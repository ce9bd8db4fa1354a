//! The simulated cloud: infrastructure, engine, and agents that report into the store.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jeroboam_engine::Engine;
use jeroboam_engine::simulated::{Nodes, Simulated as SimulatedEngine};
use jeroboam_infra::simulated::{AgentSink, FaultKind, Heard, Settings, Simulated as SimulatedInfra, World};
use jeroboam_model::{Cause, CauseExt, Code, NodeRole, Report};
use jeroboam_store::{Store, StoreError};
use uuid::Uuid;

use crate::Clock;
use crate::engines::Engines;

/// A simulated cloud with the engines on it.
pub struct Cloud {
    /// The infrastructure.
    pub infra: SimulatedInfra,
    /// The engines.
    pub engines: Engines,
}

impl Cloud {
    /// An empty cloud whose agents report into `store`.
    #[must_use]
    pub fn new(settings: Settings, store: Store, clock: Clock) -> Self {
        let infra = SimulatedInfra::new(settings, Arc::new(IntoStore { store, clock }));
        let engine: Arc<dyn Engine> = Arc::new(SimulatedEngine::new(Arc::new(OnWorld(infra.world()))));
        Self { infra, engines: Engines::all_of(&engine) }
    }
}

struct IntoStore {
    store: Store,
    clock: Clock,
}

#[async_trait]
impl AgentSink for IntoStore {
    async fn report(&self, node: Uuid, report: Report) -> Heard {
        match self.store.record_report(node, &report, self.clock.now()).await {
            Ok(()) => Heard::Kept,
            Err(StoreError::NotFound { .. }) => Heard::Unknown,
            Err(_) => Heard::Lost,
        }
    }

    async fn heartbeats(&self, nodes: &[Uuid]) -> Vec<Uuid> {
        // A lost report does no harm: the next one follows.
        self.store.record_lives(nodes, self.clock.now()).await.unwrap_or_default()
    }
}

struct OnWorld(Arc<Mutex<World>>);

impl Nodes for OnWorld {
    fn nodes(&self, cluster: Uuid) -> Vec<(String, NodeRole, bool)> {
        let world = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        world
            .engine_nodes(cluster)
            .into_iter()
            .map(|(name, role)| {
                let runs = world.is_running(cluster, &name);
                (name, role, runs)
            })
            .collect()
    }

    fn forget(&self, cluster: Uuid, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).engine_forget(cluster, name);
    }

    fn enter(&self, call: &'static str) -> Result<(), Cause> {
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner).enter(call);
        let cause = match fault {
            None => return Ok(()),
            Some(FaultKind::Permanent) => {
                Cause::operator(Code::EngineRefused, "the simulated engine refuses", "retry the operation")
            }
            Some(FaultKind::Passing | FaultKind::AnswerLost | FaultKind::Hang | FaultKind::NoCapacity) => {
                Cause::passing(Code::EngineUnavailable, "the simulated engine does not answer", "wait")
            }
        };
        Err(cause.said(format!("simulated fault in {call}")))
    }
}
