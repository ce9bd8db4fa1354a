//! The engine on the simulated infrastructure: its nodes are those whose simulated agents came up.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jeroboam_model::{Cluster, Health, NodeRole};
use uuid::Uuid;

use crate::{Access, Engine, EngineNode, HealthReport, NodeMarks, Result};

/// Source of the simulated engine's nodes, for example `jeroboam_infra::simulated::World`.
pub trait Nodes: Send + Sync {
    /// Name, role and whether the machine runs, of every node that joined.
    fn nodes(&self, cluster: Uuid) -> Vec<(String, NodeRole, bool)>;
    /// Removes a node.
    fn forget(&self, cluster: Uuid, name: &str);
    /// Called at the start of every call. An error becomes the call's result.
    ///
    /// # Errors
    /// The injected fault.
    fn enter(&self, call: &'static str) -> Result<()>;
}

/// The simulated engine.
#[derive(Clone)]
pub struct Simulated {
    nodes: Arc<dyn Nodes>,
}

impl Simulated {
    /// An engine with these nodes.
    #[must_use]
    pub fn new(nodes: Arc<dyn Nodes>) -> Self {
        Self { nodes }
    }
}

#[async_trait]
impl Engine for Simulated {
    async fn configure(&self, _access: &Access, _cluster: &Cluster) -> Result<()> {
        self.nodes.enter("configure")
    }

    async fn mark(&self, _access: &Access, _marks: &BTreeMap<String, NodeMarks>) -> Result<()> {
        self.nodes.enter("mark")
    }

    async fn nodes(&self, access: &Access) -> Result<Vec<EngineNode>> {
        self.nodes.enter("nodes")?;
        Ok(self
            .nodes
            .nodes(access.cluster)
            .into_iter()
            .map(|(name, role, ready)| EngineNode {
                name,
                role,
                ready,
                reason: (!ready).then(|| "its machine does not run".to_owned()),
                version: Some("v1.0.0-simulated".into()),
                runtime: Some("simulated".into()),
            })
            .collect())
    }

    async fn drain(&self, _access: &Access, _node: &str) -> Result<()> {
        self.nodes.enter("drain")
    }

    async fn forget(&self, access: &Access, node: &str) -> Result<()> {
        self.nodes.enter("forget")?;
        self.nodes.forget(access.cluster, node);
        Ok(())
    }

    async fn health(&self, access: &Access) -> HealthReport {
        let nodes = self.nodes.nodes(access.cluster);
        let all_ready = nodes.iter().all(|(_, _, ready)| *ready);
        let mut reason: BTreeMap<String, String> = nodes
            .into_iter()
            .map(|(name, _, ready)| (format!("{name}.Ready"), if ready { "True" } else { "False" }.to_owned()))
            .collect();
        reason.insert("api".into(), "ok".into());
        HealthReport {
            health: if all_ready { Health::Healthy } else { Health::Unhealthy },
            reason,
            version: Some("v1.0.0-simulated".into()),
            runtime: Some("simulated".into()),
        }
    }
}
