//! Number of clusters and nodes.

use sea_orm::{EntityTrait, PaginatorTrait, QueryFilter};

use crate::entity::{cluster, node_group};
use crate::error::Doing;
use crate::quota::sum_of_nodes;
use crate::{Result, Scope, Store};

/// Number of clusters and nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Number of clusters.
    pub clusters: u64,
    /// Number of nodes that their groups want, masters included.
    pub nodes: u64,
}

impl Store {
    /// Counts the visible clusters and their nodes, in two queries.
    ///
    /// # Errors
    /// On a database error.
    pub async fn stats(&self, scope: &Scope) -> Result<Stats> {
        let snapshot = self.snapshot().await?;
        let clusters = cluster::Entity::find().filter(scope.condition(cluster::Column::ProjectId)).count(&snapshot);
        let clusters = clusters.await.doing("counting clusters")?;
        let groups = node_group::Entity::find().filter(scope.condition(node_group::Column::ProjectId));
        Ok(Stats { clusters, nodes: sum_of_nodes(&snapshot, groups).await? })
    }
}
