//! Health of clusters, as reported by the server or by an agent inside the cluster.

use std::collections::BTreeMap;

use jeroboam_model::Health;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::cluster::lock;
use crate::entity::cluster;
use crate::error::Doing;
use crate::{ClusterId, Event, Result, Store, codec};

/// A change of a cluster's health. `None` keeps the stored value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthChange {
    /// The new health.
    pub status: Option<Health>,
    /// Reasons, by what was checked.
    pub reason: Option<BTreeMap<String, String>>,
}

impl Store {
    /// Stores the health of a cluster. It does not count as a change of the cluster: `updated_at` stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](crate::StoreError::NotFound).
    pub async fn set_health(&self, cluster: ClusterId, health: Health, reason: BTreeMap<String, String>) -> Result<()> {
        self.change_health(cluster, &HealthChange { status: Some(health), reason: Some(reason) }).await
    }

    /// The same, for the parts that are set.
    ///
    /// # Errors
    /// As [`Store::set_health`].
    pub async fn change_health(&self, cluster: ClusterId, change: &HealthChange) -> Result<()> {
        let uuid = cluster.uuid();
        self.write(|transaction| async move {
            let before = lock(&transaction, uuid).await?;
            if !write(&transaction, &before, change).await? {
                return Ok(());
            }
            self.commit(transaction, "storing a cluster's health").await?;
            self.publish(Event::cluster(uuid));
            Ok(())
        })
        .await
    }
}

/// Writes the parts that differ from the stored ones. Returns whether any did.
pub(crate) async fn write(
    connection: &impl ConnectionTrait,
    before: &cluster::Model,
    change: &HealthChange,
) -> Result<bool> {
    let status = change.status.map(|status| status.to_string()).filter(|status| before.health.as_ref() != Some(status));
    let reason = change.reason.as_ref().map(|reason| codec::json("a health reason", reason)).transpose()?;
    let reason = reason.filter(|reason| before.health_reason != *reason);
    if status.is_none() && reason.is_none() {
        return Ok(false);
    }
    // Write only the changed parts: another process may write the other one concurrently.
    let mut update = cluster::Entity::update_many().filter(cluster::Column::Id.eq(before.id));
    if let Some(status) = status {
        update = update.col_expr(cluster::Column::Health, Expr::value(status));
    }
    if let Some(reason) = reason {
        update = update.col_expr(cluster::Column::HealthReason, Expr::value(reason));
    }
    update.exec(connection).await.doing("storing a cluster's health")?;
    Ok(true)
}
