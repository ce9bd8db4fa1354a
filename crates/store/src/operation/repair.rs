//! Requesting repairs, and pausing a cluster for maintenance. A repair does not change the cluster's status, and gives
//! way to any request of a user.

use jeroboam_model::status::Request;
use jeroboam_model::{Cause, CauseExt, Code, OperationKind, OperationStatus};
use jeroboam_types::operation::Operation;
use jiff::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::node_group::begin;
use super::request::{allow, cancel};
use super::{NewOperation, unfinished, with_steps};
use crate::entity::{cluster as cluster_entity, operation};
use crate::error::Doing;
use crate::{ClusterId, Event, Result, Store, StoreError, cluster, codec};

/// The user id of operations that the server starts automatically.
pub const HEALER: &str = "jeroboam";

impl Store {
    /// Restores missing parts of a cluster. When that is in progress already, returns that operation.
    ///
    /// # Errors
    /// [`NotAllowed`](crate::StoreError::NotAllowed) unless the cluster was complete once and is not being changed or
    /// deleted, [`NotFound`](crate::StoreError::NotFound).
    pub async fn request_repair(&self, cluster: ClusterId, operation: NewOperation) -> Result<Operation> {
        let cluster = cluster.uuid();
        let now = Timestamp::now();
        let operation = &operation;
        self.write(|transaction| async move {
            let row = cluster::lock(&transaction, cluster).await?;
            allow(&row.status, Request::Repair)?;
            let is_automatic = operation.user_id == HEALER;
            if is_automatic && row.paused_at.is_some() {
                let status = codec::word("a status", &row.status)?;
                return Err(StoreError::NotAllowed { status, request: Request::Repair });
            }
            let mut there = unfinished(&transaction, &row.uuid).await?;
            // One that is being cancelled will not repair anything.
            there.retain(|other| !other.cancel_requested);
            if let Some(there) = there.pop() {
                if there.replace_data || !operation.replace_data {
                    return with_steps(&transaction, there).await;
                }
                cancel(&transaction, &there, &made_way(), now).await?;
            }
            let operation = begin(&transaction, &row, OperationKind::Repair, operation.clone(), now).await?;
            self.commit(transaction, "requesting a repair").await?;
            self.publish(Event::operation(cluster, operation.uuid));
            Ok(operation)
        })
        .await
    }

    /// When the automatic repairs of a cluster finished, since a time, newest first. Those that gave way, or were
    /// stopped by a pause, are left out.
    ///
    /// # Errors
    /// On a database error.
    pub async fn repairs_since(&self, cluster: Uuid, since: Timestamp) -> Result<Vec<Timestamp>> {
        let ended = [OperationStatus::Succeeded, OperationStatus::Failed, OperationStatus::Cancelled];
        let ended = ended.map(|status| status.to_string());
        let rows = operation::Entity::find()
            .filter(operation::Column::ClusterUuid.eq(cluster.to_string()))
            .filter(operation::Column::Kind.eq(OperationKind::Repair.to_string()))
            .filter(operation::Column::UserId.eq(HEALER))
            .filter(operation::Column::Status.is_in(ended))
            .filter(operation::Column::FinishedAt.gte(codec::micros(since)))
            .order_by_desc(operation::Column::Id)
            .all(self.reader())
            .await
            .doing("reading a cluster's repairs")?;
        let is_counted = |row: &operation::Model| {
            let code = row.cause.as_ref().and_then(|cause| cause.get("code")?.as_str()?.parse().ok());
            !matches!(code, Some(Code::RepairMadeWay | Code::ClusterPaused | Code::SupersededByDelete))
        };
        let end = |row: operation::Model| Ok(codec::maybe_time(row.finished_at)?.unwrap_or(since));
        rows.into_iter().filter(is_counted).map(end).collect()
    }

    /// Pauses the cluster (`paused`): only repairs that a user requests are carried out; or resumes it. Pausing stops
    /// an automatic repair. Idempotent.
    ///
    /// # Errors
    /// [`NotFound`](crate::StoreError::NotFound).
    pub async fn set_paused(&self, cluster: ClusterId, paused: bool) -> Result<()> {
        let cluster = cluster.uuid();
        let now = Timestamp::now();
        self.write(|transaction| async move {
            let row = cluster::lock(&transaction, cluster).await?;
            if row.paused_at.is_some() == paused {
                return Ok(());
            }
            cluster_entity::Entity::update_many()
                .col_expr(cluster_entity::Column::PausedAt, Expr::value(paused.then(|| codec::micros(now))))
                .filter(cluster_entity::Column::Id.eq(row.id))
                .exec(&transaction)
                .await
                .doing("pausing a cluster")?;
            let mut ended = if paused { repairs(&transaction, cluster).await? } else { Vec::new() };
            ended.retain(|repair| repair.user_id == HEALER);
            for repair in &ended {
                cancel(&transaction, repair, &was_paused(), now).await?;
            }
            self.commit(transaction, "pausing a cluster").await?;
            self.publish(Event::cluster(cluster));
            for repair in &ended {
                self.publish(Event::operation(cluster, codec::uuid(&repair.uuid)?));
            }
            Ok(())
        })
        .await
    }
}

/// Stops the repairs of a cluster in favour of another operation.
pub(super) async fn make_way(connection: &impl ConnectionTrait, cluster: Uuid, now: Timestamp) -> Result<()> {
    for repair in repairs(connection, cluster).await? {
        cancel(connection, &repair, &made_way(), now).await?;
    }
    Ok(())
}

async fn repairs(connection: &impl ConnectionTrait, cluster: Uuid) -> Result<Vec<operation::Model>> {
    let mut all = unfinished(connection, &cluster.to_string()).await?;
    all.retain(|row| row.kind == OperationKind::Repair.to_string());
    Ok(all)
}

/// Cause of a repair that was stopped in favour of another operation.
pub(super) fn made_way() -> Cause {
    Cause::user(
        Code::RepairMadeWay,
        "The repair was stopped in favour of a user's request",
        "Nothing: missing parts are repaired afterwards.",
    )
}

/// Cause of a running repair that was cancelled, unless a delete did that.
pub(super) async fn stopped(connection: &impl ConnectionTrait, row: &operation::Model, is_last: bool) -> Result<Cause> {
    if !is_last {
        return Ok(made_way());
    }
    let cluster = cluster::one(connection, codec::uuid(&row.cluster_uuid)?).await?;
    let by_user = "The repair was cancelled by a user before it finished";
    let action = "Request it again (`jeroboam bay repair`), or wait: missing parts are repaired later.";
    let is_paused = cluster.paused_at.is_some() && row.user_id == HEALER;
    Ok(if is_paused { was_paused() } else { Cause::user(Code::Cancelled, by_user, action) })
}

fn was_paused() -> Cause {
    Cause::user(
        Code::ClusterPaused,
        "The repair was stopped: the cluster is paused",
        "Resume the cluster, or repair it.",
    )
}
