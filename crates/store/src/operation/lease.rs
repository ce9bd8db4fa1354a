//! Leases on operations. A conductor that claims one gets a lease and a fence. The fence grows with every claim; a
//! conductor with another fence has lost the operation and writes nothing.

use std::collections::HashMap;

use jeroboam_model::{Cause, OperationStatus};
use jeroboam_types::operation::Operation;
use jiff::{SignedDuration, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use super::{one, unfinished_words, with_steps};
use crate::entity::operation;
use crate::error::Doing;
use crate::{Event, Result, Store, StoreError, cluster, codec, deployment};

/// A claimed operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The operation, with the steps that earlier conductors recorded.
    pub operation: Operation,
    /// Checked by every write in its name.
    pub fence: i64,
}

/// An operation whose lease a conductor still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewed {
    /// Unchanged since the claim.
    pub fence: i64,
    /// Whether its cancellation was requested.
    pub cancel_requested: bool,
}

impl Store {
    /// Claims the oldest operation that is free: no conductor has it or the lease has expired, its `run_after` has
    /// passed, and no earlier operation of its cluster is unfinished. `None` when there is none.
    ///
    /// # Errors
    /// On a database error.
    pub async fn claim(&self, owner: &str, lease: SignedDuration, now: Timestamp) -> Result<Option<Claim>> {
        let now_micros = codec::micros(now);
        // Conductors look often and mostly find nothing: that must not queue behind the writers.
        if claimable(now_micros).one(self.reader()).await.doing("looking up an operation")?.is_none() {
            return Ok(None);
        }
        self.write(|transaction| async move {
            let oldest = claimable(now_micros).one(&transaction).await.doing("looking up an operation")?;
            let Some(oldest) = oldest else { return Ok(None) };
            // Lock order: the cluster (which may be deleted), then the operation, read again under the locks: it may
            // have been cancelled or claimed.
            match cluster::lock(&transaction, codec::uuid(&oldest.cluster_uuid)?).await {
                Ok(_) | Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
            let again = claimable(now_micros).filter(operation::Column::Id.eq(oldest.id)).lock_exclusive();
            let Some(row) = again.one(&transaction).await.doing("looking up an operation")? else { return Ok(None) };
            let first_time = row.started_at.is_none();
            let until = now_micros.saturating_add(i64::try_from(lease.as_micros()).unwrap_or(i64::MAX));
            let fence = row.fence + 1;
            let mut changed = operation::ActiveModel {
                owner: Set(Some(owner.to_owned())),
                lease_until: Set(Some(until)),
                fence: Set(fence),
                status: Set(OperationStatus::Running.to_string()),
                run_after: Set(None),
                cause: Set(None),
                ..Default::default()
            };
            if first_time {
                changed.started_at = Set(Some(now_micros));
                changed.deadline_at = Set(row.time_limit.map(|limit| now_micros.saturating_add(limit)));
            }
            let taken = operation::Entity::update_many()
                .set(changed)
                .filter(operation::Column::Id.eq(row.id))
                .filter(operation::Column::Fence.eq(row.fence))
                .exec(&transaction)
                .await
                .doing("claiming an operation")?;
            if taken.rows_affected == 0 {
                // Another conductor was faster; there will be another event or poll.
                return Ok(None);
            }
            match deployment::rise(&transaction).await {
                Err(StoreError::Held { .. }) => return Ok(None),
                risen => risen?,
            }
            let uuid = codec::uuid(&row.uuid)?;
            let operation = with_steps(&transaction, one(&transaction, uuid).await?).await?;
            self.commit(transaction, "claiming an operation").await?;
            self.publish(Event::operation(operation.cluster_uuid, uuid));
            Ok(Some(Claim { operation, fence }))
        })
        .await
    }

    /// Renews the leases of all operations of a conductor until `until`. Returns those that it still has, by id.
    ///
    /// # Errors
    /// On a database error.
    pub async fn renew_all(&self, owner: &str, until: Timestamp) -> Result<HashMap<Uuid, Renewed>> {
        let doing = "renewing leases";
        let of_owner = || {
            Condition::all()
                .add(operation::Column::Owner.eq(owner))
                .add(operation::Column::Status.is_in(unfinished_words()))
        };
        // Most of the time a conductor has none: that must not queue behind the writers.
        if operation::Entity::find().filter(of_owner()).one(self.reader()).await.doing(doing)?.is_none() {
            return Ok(HashMap::new());
        }
        self.write(|transaction| async move {
            operation::Entity::update_many()
                .set(operation::ActiveModel { lease_until: Set(Some(codec::micros(until))), ..Default::default() })
                .filter(of_owner())
                .exec(&transaction)
                .await
                .doing(doing)?;
            let rows: Vec<(String, i64, bool)> = operation::Entity::find()
                .select_only()
                .columns([operation::Column::Uuid, operation::Column::Fence, operation::Column::CancelRequested])
                .filter(of_owner())
                .into_tuple()
                .all(&transaction)
                .await
                .doing(doing)?;
            self.commit(transaction, doing).await?;
            let renewed = |(uuid, fence, cancel_requested): (String, i64, bool)| {
                Ok((codec::uuid(&uuid)?, Renewed { fence, cancel_requested }))
            };
            rows.into_iter().map(renewed).collect()
        })
        .await
    }

    /// Whether the cancellation of the operation was requested. Cheap enough to be called on every event.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn is_cancel_requested(&self, uuid: Uuid) -> Result<bool> {
        Ok(one(self.reader(), uuid).await?.cancel_requested)
    }

    /// Ends all leases of all conductors. Only for a process that knows that it is the only one: operations of its
    /// crashed predecessor need not wait for the lease to expire.
    ///
    /// # Errors
    /// On a database error.
    pub async fn end_all_leases(&self) -> Result<()> {
        self.write(|transaction| async move {
            operation::Entity::update_many()
                .set(operation::ActiveModel { owner: Set(None), lease_until: Set(None), ..Default::default() })
                .filter(operation::Column::LeaseUntil.is_not_null())
                .exec(&transaction)
                .await
                .doing("ending leases")?;
            self.commit(transaction, "ending leases").await
        })
        .await
    }

    /// Releases the operation for other conductors: at once, or after the time of [`Store::block_operation`].
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub(crate) async fn release(&self, uuid: Uuid, fence: i64) -> Result<()> {
        let changed = operation::ActiveModel { owner: Set(None), lease_until: Set(None), ..Default::default() };
        self.fenced(uuid, fence, changed, "releasing an operation").await
    }

    /// Marks the operation as blocked. The lease stays; a conductor that does not want to wait releases it, and it is
    /// not claimed before `run_after`.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub(crate) async fn block_operation(
        &self,
        uuid: Uuid,
        fence: i64,
        cause: &Cause,
        run_after: Option<Timestamp>,
    ) -> Result<()> {
        let changed = operation::ActiveModel {
            status: Set(OperationStatus::Blocked.to_string()),
            cause: Set(Some(codec::json("a cause", cause)?)),
            run_after: Set(run_after.map(codec::micros)),
            ..Default::default()
        };
        self.fenced(uuid, fence, changed, "marking an operation blocked").await
    }

    /// Marks the operation as running again.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub(crate) async fn unblock_operation(&self, uuid: Uuid, fence: i64) -> Result<()> {
        let changed = operation::ActiveModel {
            status: Set(OperationStatus::Running.to_string()),
            cause: Set(None),
            run_after: Set(None),
            ..Default::default()
        };
        self.fenced(uuid, fence, changed, "marking an operation running").await
    }

    async fn fenced(&self, uuid: Uuid, fence: i64, changed: operation::ActiveModel, doing: &str) -> Result<()> {
        let changed = &changed;
        self.write(|transaction| async move {
            write(&transaction, uuid, fence, changed.clone(), doing).await?;
            let cluster = codec::uuid(&one(&transaction, uuid).await?.cluster_uuid)?;
            self.commit(transaction, doing).await?;
            self.publish(Event::operation(cluster, uuid));
            Ok(())
        })
        .await
    }
}

/// Locks the operation for a write in its name, if the fence matches.
pub(super) async fn guard(connection: &impl ConnectionTrait, uuid: Uuid, fence: i64) -> Result<operation::Model> {
    // A no-op update locks the row in every database.
    let unchanged = operation::ActiveModel { fence: Set(fence), ..Default::default() };
    write(connection, uuid, fence, unchanged, "checking a lease").await?;
    one(connection, uuid).await
}

/// Changes the operation, if the fence matches. Operations that were released or have finished have no owner, so that
/// no fence matches.
pub(super) async fn write(
    connection: &impl ConnectionTrait,
    uuid: Uuid,
    fence: i64,
    changed: operation::ActiveModel,
    doing: &str,
) -> Result<()> {
    let written = operation::Entity::update_many()
        .set(changed)
        .filter(operation::Column::Uuid.eq(uuid.to_string()))
        .filter(operation::Column::Fence.eq(fence))
        .filter(operation::Column::Owner.is_not_null())
        .exec(connection)
        .await
        .doing(doing)?;
    if written.rows_affected == 0 { Err(StoreError::LeaseLost) } else { Ok(()) }
}

/// Operations that a conductor may claim, oldest first.
fn claimable(now: i64) -> Select<operation::Entity> {
    use operation::Column as C;
    let earlier = Alias::new("earlier");
    let before_it = Query::select()
        .expr(Expr::val(1))
        .from_as(operation::Entity, earlier.clone())
        .and_where(Expr::col((earlier.clone(), C::ClusterUuid)).equals((operation::Entity, C::ClusterUuid)))
        .and_where(Expr::col((earlier.clone(), C::Id)).lt(Expr::col((operation::Entity, C::Id))))
        .and_where(Expr::col((earlier, C::Status)).is_in(unfinished_words()))
        .take();
    operation::Entity::find()
        .filter(C::Status.is_in(unfinished_words()))
        .filter(Condition::any().add(C::LeaseUntil.is_null()).add(C::LeaseUntil.lte(now)))
        .filter(Condition::any().add(C::RunAfter.is_null()).add(C::RunAfter.lte(now)))
        .filter(Expr::exists(before_it).not())
        .order_by_asc(C::Id)
}
