//! Finishing an operation, with the effects on its cluster, in one transaction.

use jeroboam_model::{Cause, CauseExt, Code, OperationKind, OperationStatus, Status, StepStatus};
use jiff::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::lease::{guard, write};
use super::{one, receipt, request, step as step_rows, unfinished, unfinished_changes};
use crate::cluster::{self, ClusterFacts};
use crate::entity::{cluster as cluster_entity, node_group as group_entity, operation, step};
use crate::error::Doing;
use crate::notification::{self, Stage};
use crate::{Event, Result, Store, StoreError, codec, deployment, node, node_group, secret};

/// How an operation finished.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The target state is reached.
    Succeeded {
        /// Facts about the cluster that it determined.
        facts: ClusterFacts,
    },
    /// It was given up.
    Failed(Cause),
    /// It was cancelled. The store determines the cause.
    Cancelled,
}

impl Store {
    /// Finishes an operation: it, its open steps, its cluster and the cluster's groups get their final status. When
    /// another operation of the cluster waits, the cluster stays in progress with that one's kind: a failed create does
    /// not overwrite the status of a delete that came after it.
    ///
    /// After a delete that succeeded the cluster, its nodes, groups and secrets are deleted; its operations stay.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub(crate) async fn finish(&self, uuid: Uuid, fence: i64, outcome: Outcome) -> Result<()> {
        let doing = "finishing an operation";
        let now = Timestamp::now();
        let outcome = &outcome;
        self.write(|transaction| async move {
            let cluster = codec::uuid(&one(&transaction, uuid).await?.cluster_uuid)?;
            let before = match cluster::lock(&transaction, cluster).await {
                Ok(row) => Some(row),
                Err(StoreError::NotFound { .. }) => None,
                Err(error) => return Err(error),
            };
            let row = guard(&transaction, uuid, fence).await?;
            let kind: OperationKind = codec::word("a kind", &row.kind)?;

            let (status, cause) = match &outcome {
                Outcome::Succeeded { .. } => (OperationStatus::Succeeded, None),
                Outcome::Failed(cause) => (OperationStatus::Failed, Some(cause.clone())),
                Outcome::Cancelled => (OperationStatus::Cancelled, Some(request::stopped(&transaction, &row).await?)),
            };
            let is_gone = matches!(outcome, Outcome::Succeeded { .. }) && kind == OperationKind::Delete;
            let receipt = match before.as_ref().filter(|_| is_gone) {
                Some(cluster) => Some(receipt::of(&transaction, &row, cluster, now).await?),
                None => None,
            };
            let ended = operation::ActiveModel {
                receipt: Set(receipt.map(|receipt| codec::json("a receipt", &receipt)).transpose()?),
                status: Set(status.to_string()),
                cause: Set(cause.as_ref().map(|cause| codec::json("a cause", cause)).transpose()?),
                finished_at: Set(Some(codec::micros(now))),
                owner: Set(None),
                lease_until: Set(None),
                run_after: Set(None),
                ..Default::default()
            };
            write(&transaction, uuid, fence, ended, doing).await?;
            close_steps(&transaction, &row.uuid, outcome, codec::micros(now)).await?;

            deployment::rise(&transaction).await?;
            let reason = cause.as_ref().map(CauseExt::one_line);
            match &outcome {
                Outcome::Succeeded { .. } if kind == OperationKind::Delete => {
                    for late in unfinished(&transaction, &row.cluster_uuid).await? {
                        request::cancel(&transaction, &late, &gone(), now).await?;
                    }
                    notification::note(&transaction, &row, Stage::Success).await?;
                    remove(&transaction, cluster).await?;
                }
                Outcome::Succeeded { facts } => {
                    if let Some(before) = &before {
                        cluster::write_facts(&transaction, before, facts.clone()).await?;
                    }
                    if let Some(status) = Status::complete(kind) {
                        let end = End { status, reason: None, operation: uuid };
                        settle(&transaction, cluster, end, now).await?;
                    }
                    notification::note(&transaction, &row, Stage::Success).await?;
                }
                Outcome::Failed(_) => {
                    if let Some(status) = Status::failed(kind) {
                        let end = End { status, reason: reason.as_deref(), operation: uuid };
                        settle(&transaction, cluster, end, now).await?;
                    }
                    notification::note(&transaction, &row, Stage::Failure).await?;
                }
                Outcome::Cancelled => {
                    if let Some(cause) = &cause {
                        settle_cancelled(&transaction, &row, cause, now).await?;
                    }
                    notification::note(&transaction, &row, Stage::Failure).await?;
                }
            }
            self.commit(transaction, doing).await?;
            self.publish(Event::operation(cluster, uuid));
            Ok(())
        })
        .await
    }
}

/// The state in which an operation leaves its cluster.
pub(super) struct End<'a> {
    /// The cluster's new status.
    pub(super) status: Status,
    /// Reason of the status.
    pub(super) reason: Option<&'a str>,
    /// The operation that a retry would repeat.
    pub(super) operation: Uuid,
}

/// Gives the cluster and its groups their final status; or leaves them in progress, if another operation waits. Deletes
/// groups that were to be deleted and have no nodes any more.
pub(super) async fn settle(
    connection: &impl ConnectionTrait,
    cluster: Uuid,
    end: End<'_>,
    now: Timestamp,
) -> Result<()> {
    let now = codec::micros(now);
    if let Some(next) = unfinished_changes(connection, &cluster.to_string()).await?.last()
        && let Some(status) = Status::in_progress(codec::word("a kind", &next.kind)?)
    {
        let next = codec::uuid(&next.uuid)?;
        return cluster::set_status(connection, cluster, status, None, next, now).await;
    }
    let End { status, reason, operation } = end;
    cluster::set_status(connection, cluster, status, reason, operation, now).await?;
    if status.is_failed() {
        return node_group::turn(connection, cluster, Status::given_up, reason, now).await;
    }
    node_group::remove_emptied(connection, cluster).await?;
    node_group::turn(connection, cluster, Status::succeeded, None, now).await
}

/// The same after an operation that was cancelled. A delete that had not started restores the earlier status; only an
/// operation that it had cancelled counts as failed.
pub(super) async fn settle_cancelled(
    connection: &impl ConnectionTrait,
    row: &operation::Model,
    cause: &Cause,
    now: Timestamp,
) -> Result<()> {
    let (cluster, uuid) = (codec::uuid(&row.cluster_uuid)?, codec::uuid(&row.uuid)?);
    let kind: OperationKind = codec::word("a kind", &row.kind)?;
    let reason = cause.one_line();
    let Some(status) = Status::failed(kind) else { return Ok(()) };
    let failed = End { status, reason: Some(&reason), operation: uuid };
    let before = row.status_before.as_deref().map(|status| codec::word::<Status>("a status", status)).transpose()?;
    let Some(before) = before.filter(|_| kind == OperationKind::Delete) else {
        return settle(connection, cluster, failed, now).await;
    };
    if step_rows::any_begun(connection, &row.uuid).await? {
        return settle(connection, cluster, failed, now).await;
    }
    let end = match before_it(connection, row).await? {
        None => failed,
        Some(earlier) => {
            let kind = codec::word("a kind", &earlier.kind)?;
            let has_succeeded = earlier.status == OperationStatus::Succeeded.to_string();
            let (status, reason) = match has_succeeded {
                true if before.is_complete() => (Some(before), None),
                true => (Status::complete(kind), None),
                false => (Status::failed(kind), Some(reason.as_str())),
            };
            End { status: status.unwrap_or(before), reason, operation: codec::uuid(&earlier.uuid)? }
        }
    };
    node_group::stay(connection, cluster, codec::micros(now)).await?;
    settle(connection, cluster, end, now).await
}

/// The cluster's newest operation before this one, except repairs.
async fn before_it(connection: &impl ConnectionTrait, row: &operation::Model) -> Result<Option<operation::Model>> {
    operation::Entity::find()
        .filter(operation::Column::ClusterUuid.eq(&row.cluster_uuid))
        .filter(operation::Column::Id.lt(row.id))
        .filter(operation::Column::Kind.ne(OperationKind::Repair.to_string()))
        .order_by_desc(operation::Column::Id)
        .one(connection)
        .await
        .doing("looking up the operation before")
}

/// Gives the steps that are still open their final status.
async fn close_steps(connection: &impl ConnectionTrait, operation: &str, outcome: &Outcome, now: i64) -> Result<()> {
    let doing = "closing an operation's steps";
    let (begun, cause) = match outcome {
        // Nothing is left to do, so the open steps are done.
        Outcome::Succeeded { .. } => (StepStatus::Done, None),
        Outcome::Failed(cause) => (StepStatus::Failed, Some(codec::json("a cause", cause)?)),
        Outcome::Cancelled => (StepStatus::Skipped, None),
    };
    step_rows::ended(StepStatus::Skipped, Some(now))
        .filter(step::Column::OperationUuid.eq(operation))
        .filter(step::Column::Status.eq(StepStatus::Pending.to_string()))
        .exec(connection)
        .await
        .doing(doing)?;
    let open = step::Column::OperationUuid
        .eq(operation)
        .and(step::Column::Status.is_in([StepStatus::Running, StepStatus::Blocked].map(|status| status.to_string())));
    let cause_of = match cause {
        // A step that knows its own cause keeps it.
        Some(cause) => step::Entity::update_many()
            .col_expr(step::Column::Cause, Expr::value(cause))
            .filter(step::Column::Cause.is_null()),
        None => step::Entity::update_many()
            .col_expr(step::Column::Cause, Expr::value(None::<sea_orm::JsonValue>))
            .filter(step::Column::Cause.is_not_null()),
    };
    cause_of.filter(open.clone()).exec(connection).await.doing(doing)?;
    step::Entity::update_many()
        .col_expr(step::Column::Status, Expr::value(begun.to_string()))
        .col_expr(step::Column::Progress, Expr::value(None::<String>))
        .col_expr(step::Column::FinishedAt, Expr::value(now))
        .filter(open)
        .exec(connection)
        .await
        .map(|_| ())
        .doing(doing)
}

/// Deletes the cluster and everything that belongs to it, except its operations.
async fn remove(connection: &impl ConnectionTrait, cluster: Uuid) -> Result<()> {
    let doing = "deleting a cluster";
    let nodes = node::of_clusters(connection, vec![cluster.to_string()]).await?;
    node::delete(connection, nodes.into_iter().map(|row| row.uuid).collect()).await?;
    group_entity::Entity::delete_many()
        .filter(group_entity::Column::ClusterUuid.eq(cluster.to_string()))
        .exec(connection)
        .await
        .doing(doing)?;
    secret::delete(connection, cluster).await?;
    cluster_entity::Entity::delete_many()
        .filter(cluster_entity::Column::Uuid.eq(cluster.to_string()))
        .exec(connection)
        .await
        .map(|_| ())
        .doing(doing)
}

fn gone() -> Cause {
    Cause::user(Code::ClusterGone, "The cluster was deleted before the operation started", "Nothing.")
}
