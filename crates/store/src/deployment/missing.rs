//! Clusters that the database has, and of which nothing was at the infrastructure when the operator settled which
//! database counts. Nobody rebuilds them unasked: their machines may live on under another id, or be lost.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::entity::{missing_cluster, node};
use crate::error::Doing;
use crate::{Result, Store, codec};

impl Store {
    /// Whether a cluster is missing. It stays so until an operation on it succeeds.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn is_missing(&self, cluster: Uuid) -> Result<bool> {
        let row = missing_cluster::Entity::find()
            .filter(missing_cluster::Column::ClusterUuid.eq(cluster.to_string()))
            .one(self.reader())
            .await
            .doing("looking for a missing cluster")?;
        Ok(row.is_some())
    }

    /// All clusters that are missing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn missing_clusters(&self) -> Result<BTreeSet<Uuid>> {
        let rows = missing_cluster::Entity::find().all(self.reader()).await.doing("listing missing clusters")?;
        rows.iter().map(|row| codec::uuid(&row.cluster_uuid)).collect()
    }
}

/// Every cluster that had machines and is not `there` is missing.
pub(super) async fn mark(connection: &impl ConnectionTrait, there: &BTreeSet<Uuid>, now: Timestamp) -> Result<()> {
    let doing = "marking missing clusters";
    let had_machines: Vec<String> = node::Entity::find()
        .select_only()
        .column(node::Column::ClusterUuid)
        .distinct()
        .filter(node::Column::JoinedAt.is_not_null())
        .into_tuple()
        .all(connection)
        .await
        .doing(doing)?;
    let mut rows = Vec::new();
    for cluster in had_machines {
        if !there.contains(&codec::uuid(&cluster)?) {
            let since = Set(codec::micros(now));
            rows.push(missing_cluster::ActiveModel { id: NotSet, cluster_uuid: Set(cluster), since });
        }
    }
    for rows in rows.chunks(codec::ROWS_AT_ONCE) {
        use missing_cluster::Column::ClusterUuid;
        missing_cluster::Entity::insert_many(rows.to_vec())
            // One that is missing already stays so, since when it was.
            .on_conflict(OnConflict::column(ClusterUuid).update_column(ClusterUuid).to_owned())
            .exec_without_returning(connection)
            .await
            .doing(doing)?;
    }
    Ok(())
}

/// A cluster is missing no more, or gone.
pub(super) async fn found(connection: &impl ConnectionTrait, cluster: Uuid) -> Result<()> {
    missing_cluster::Entity::delete_many()
        .filter(missing_cluster::Column::ClusterUuid.eq(cluster.to_string()))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("forgetting that a cluster was missing")
}
