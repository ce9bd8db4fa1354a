//! Requesting operations: the wanted state is written together with the operation that brings it about.

use jeroboam_model::status::Request;
use jeroboam_model::validate::Limits;
use jeroboam_model::{
    Cause, CauseExt, Cluster, ClusterTemplate, Code, NodeGroup, NodeRole, OperationKind, OperationStatus, Status,
    Target,
};
use jeroboam_types::operation::Operation;
use jiff::{SignedDuration, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use strum::IntoEnumIterator;
use uuid::Uuid;

use super::node_group::begin;
use super::{NewOperation, Subject, finish, insert, one, unfinished, visible, with_steps};
use crate::entity::{cluster as cluster_entity, node_group as group_entity, operation};
use crate::error::Doing;
use crate::node::Arrival;
use crate::notification::Stage;
use crate::quota::{self, Growth};
use crate::scale::{self, Member};
use crate::{
    ClusterId, Event, HealthChange, Result, Scope, Store, StoreError, cluster, cluster_template, codec, health,
    idempotency, node, node_group, notification, target,
};

/// What the user can do after an operation was cancelled.
const RETRY_OR_DELETE: &str = "Retry it, or delete the cluster.";

impl Store {
    /// Inserts a new cluster with its groups and their wanted nodes, and the operation that creates it. `template` is
    /// its template as the caller read it.
    ///
    /// # Errors
    /// [`StoreError::QuotaReached`] when the project would exceed its quotas, [`StoreError::Overtaken`] when the
    /// template was changed since it was read, [`StoreError::NotFound`] when it was deleted.
    pub async fn create_cluster(
        &self,
        template: &ClusterTemplate,
        new: &Cluster,
        groups: &[NodeGroup],
        operation: NewOperation,
    ) -> Result<Operation> {
        let now = Timestamp::now();
        let operation = &operation;
        self.write(|transaction| async move {
            idempotency::makes(&transaction, new.uuid).await?;
            quota::lock(&transaction, &new.project_id, 1).await?;
            let one_more = Growth { clusters: 1, ..Growth::default() };
            let growth = groups.iter().fold(one_more, |growth, group| growth.nodes(group.role, group.node_count));
            quota::check(&transaction, &new.project_id, growth, operation.quotas).await?;
            cluster_template::lock_as_read(&transaction, template).await?;
            cluster::insert(&transaction, new).await?;
            node_group::insert(&transaction, groups).await?;
            node::insert(&transaction, first_nodes(template, new, groups)?, codec::micros(now)).await?;
            let operation = NewOperation { kind: OperationKind::Create, ..operation.clone() };
            let subject = Subject { uuid: new.uuid, name: &new.name, status_before: None, retry_of: None };
            let operation = insert(&transaction, subject, operation, now).await?;
            self.commit(transaction, "creating a cluster").await?;
            self.publish(Event::operation(new.uuid, operation.uuid));
            Ok(operation)
        })
        .await
    }

    /// Resizes a group. The nodes in `remove` are removed first, then those with the highest numbers. Earlier
    /// operations go on; this one waits for them.
    ///
    /// # Errors
    /// As [`Store::request_change`].
    pub fn request_scale<'a>(
        &'a self,
        cluster: ClusterId,
        group: Uuid,
        node_count: u32,
        remove: &'a [Uuid],
        operation: NewOperation,
    ) -> impl Future<Output = Result<Operation>> + Send + 'a {
        // Not `async`: the future around the other one would be as large again.
        self.request_change(cluster, group, node_count, remove, None, operation)
    }

    /// The same, and stores `health` in the same transaction. With health it is a change of the cluster itself, which
    /// must be complete; a plain resize, which autoscalers repeat, is allowed in more statuses (contract magnum-v1
    /// section 7.3).
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`] in the cluster's status, [`StoreError::Unfit`] when the group or the cluster would
    /// exceed its node limits, [`StoreError::QuotaReached`] when the project would exceed its quota,
    /// [`StoreError::NotFound`] for the cluster, the group or a node in `remove` that is not of the group.
    pub async fn request_change(
        &self,
        cluster: ClusterId,
        group: Uuid,
        node_count: u32,
        remove: &[Uuid],
        health: Option<&HealthChange>,
        operation: NewOperation,
    ) -> Result<Operation> {
        let cluster = cluster.uuid();
        let now = Timestamp::now();
        let operation = &operation;
        self.write(|transaction| async move {
            quota::lock(&transaction, &operation.project_id, 0).await?;
            let row = cluster::lock(&transaction, cluster).await?;
            allow(&row.status, Request::Update)?;
            let status: Status = codec::word("a status", &row.status)?;
            if health.is_some() && !status.is_complete() {
                return Err(StoreError::NotAllowed { status, request: Request::Update });
            }
            let group = super::node_group::one(&transaction, cluster, group).await?;
            if group.status.is_leaving() {
                return Err(StoreError::NotAllowed { status: group.status, request: Request::Update });
            }
            // The bounds or the other groups may have changed since the caller read them.
            group.check_bounds(node_count).map_err(StoreError::Unfit)?;
            check_total(&transaction, &group, node_count, operation.limits).await?;
            let growth = Growth::default().nodes(group.role, node_count.saturating_sub(group.node_count));
            quota::check(&transaction, &row.project_id, growth, operation.quotas).await?;
            apply_scale(&transaction, &row, &group, node_count, remove, now).await?;
            if let Some(health) = health {
                health::write(&transaction, &row, health).await?;
            }
            node_group::mark(&transaction, group.uuid, Status::UpdateInProgress, codec::micros(now)).await?;
            let operation = Box::pin(begin(&transaction, &row, OperationKind::Scale, operation.clone(), now)).await?;
            self.commit(transaction, "scaling a cluster").await?;
            self.publish(Event::operation(cluster, operation.uuid));
            Ok(operation)
        })
        .await
    }

    /// Deletes a cluster: allowed in every status. Its waiting operations end, running ones are cancelled. When it is
    /// being deleted already, returns that operation.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn request_delete(&self, cluster: ClusterId, operation: NewOperation) -> Result<Operation> {
        let cluster = cluster.uuid();
        let now = Timestamp::now();
        let operation = &operation;
        self.write(|transaction| async move {
            let row = cluster::lock(&transaction, cluster).await?;
            let others = unfinished(&transaction, &row.uuid).await?;
            let delete = OperationKind::Delete.to_string();
            // One that is being cancelled will not delete anything.
            if let Some(there) = others.iter().find(|other| other.kind == delete && !other.cancel_requested) {
                return with_steps(&transaction, there.clone()).await;
            }
            for other in &others {
                cancel(&transaction, other, &superseded(), now).await?;
            }
            node_group::leave(&transaction, cluster, codec::micros(now)).await?;
            let operation = begin(&transaction, &row, OperationKind::Delete, operation.clone(), now).await?;
            self.commit(transaction, "deleting a cluster").await?;
            for other in &others {
                self.publish(Event::operation(cluster, codec::uuid(&other.uuid)?));
            }
            self.publish(Event::operation(cluster, operation.uuid));
            Ok(operation)
        })
        .await
    }

    /// Retries what failed last as a new operation of the same kind: the one that gave the cluster its status. With
    /// `replace_data` it may replace a node that holds the only copy of the cluster's state.
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`] when nothing failed, [`StoreError::NotFound`].
    pub async fn request_retry(&self, cluster: ClusterId, operation: NewOperation) -> Result<Operation> {
        let cluster = cluster.uuid();
        let now = Timestamp::now();
        let operation = &operation;
        self.write(|transaction| async move {
            let row = cluster::lock(&transaction, cluster).await?;
            allow(&row.status, Request::Retry)?;
            let last = failed(&transaction, &row).await?;
            node_group::turn(&transaction, cluster, Status::tried_again, None, codec::micros(now)).await?;
            node::try_again(&transaction, cluster).await?;
            let operation = NewOperation {
                kind: codec::word("a kind", &last.kind)?,
                deadline: last.time_limit.map(SignedDuration::from_micros),
                replace_data: operation.replace_data || last.replace_data,
                ..operation.clone()
            };
            let subject = Subject { retry_of: Some(&last.uuid), ..Subject::cluster(cluster, &row) };
            let operation = insert(&transaction, subject, operation, now).await?;
            self.commit(transaction, "retrying an operation").await?;
            self.publish(Event::operation(cluster, operation.uuid));
            Ok(operation)
        })
        .await
    }

    /// Cancels an operation: at once while it waits, else as soon as its conductor has finished its present action.
    /// Cancelling twice is no error.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] among those visible, [`StoreError::Conflict`] when it has finished otherwise.
    pub async fn request_cancel(&self, scope: &Scope, uuid: Uuid) -> Result<Operation> {
        let now = Timestamp::now();
        self.write(|transaction| async move {
            let found = visible(scope)
                .filter(operation::Column::Uuid.eq(uuid.to_string()))
                .one(&transaction)
                .await
                .doing("reading an operation")?
                .ok_or_else(|| StoreError::not_found(super::WHAT, uuid))?;
            let cluster = codec::uuid(&found.cluster_uuid)?;
            // Lock order: the cluster (which may be deleted), then the operation, read again under the lock.
            match cluster::lock(&transaction, cluster).await {
                Ok(_) | Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
            let row = one(&transaction, uuid).await?;
            match codec::word("a status", &row.status)? {
                OperationStatus::Cancelled => return with_steps(&transaction, row).await,
                OperationStatus::Succeeded | OperationStatus::Failed => {
                    return Err(StoreError::Conflict(format!(
                        "Operation {uuid} has {} already and cannot be cancelled.",
                        row.status
                    )));
                }
                OperationStatus::Queued | OperationStatus::Running | OperationStatus::Blocked => {}
            }
            let cause = cancelled();
            if cancel(&transaction, &row, &cause, now).await? {
                finish::settle_cancelled(&transaction, &row, &cause, now).await?;
            }
            let operation = with_steps(&transaction, one(&transaction, uuid).await?).await?;
            self.commit(transaction, "cancelling an operation").await?;
            self.publish(Event::operation(cluster, uuid));
            Ok(operation)
        })
        .await
    }
}

impl Store {
    /// The operation that gave a cluster its failed status, which is what a retry repeats; `None` when its history does
    /// not have it any more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the cluster was deleted.
    pub async fn operation_that_failed(&self, cluster: ClusterId) -> Result<Option<Operation>> {
        let snapshot = self.snapshot().await?;
        let row = cluster::one(&snapshot, cluster.uuid()).await?;
        match failed(&snapshot, &row).await {
            Ok(operation) => with_steps(&snapshot, operation).await.map(Some),
            Err(StoreError::NotFound { .. } | StoreError::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The operation that gave the cluster its failed status.
async fn failed(connection: &impl ConnectionTrait, row: &cluster_entity::Model) -> Result<operation::Model> {
    if let Some(uuid) = row.operation_uuid.as_deref() {
        return one(connection, codec::uuid(uuid)?).await;
    }
    // It failed under a release that did not record the operation: take the last one of a matching kind.
    let status: Status = codec::word("a status", &row.status)?;
    let kinds = OperationKind::iter().filter(|kind| Status::failed(*kind) == Some(status)).map(|kind| kind.to_string());
    let ended = [OperationStatus::Failed, OperationStatus::Cancelled].map(|status| status.to_string());
    operation::Entity::find()
        .filter(operation::Column::ClusterUuid.eq(&row.uuid))
        .filter(operation::Column::Status.is_in(ended))
        .filter(operation::Column::Kind.is_in(kinds))
        .order_by_desc(operation::Column::Id)
        .one(connection)
        .await
        .doing("looking up the operation that failed")?
        .ok_or_else(|| StoreError::Conflict(format!("No operation of cluster {} has failed.", row.name)))
}

/// Cancels a waiting operation at once, and flags a running one. Returns whether it has finished.
pub(super) async fn cancel(
    connection: &impl ConnectionTrait,
    row: &operation::Model,
    cause: &Cause,
    now: Timestamp,
) -> Result<bool> {
    let waits = row.status == OperationStatus::Queued.to_string();
    let changed = if waits {
        operation::ActiveModel {
            status: Set(OperationStatus::Cancelled.to_string()),
            finished_at: Set(Some(codec::micros(now))),
            cause: Set(Some(codec::json("a cause", cause)?)),
            run_after: Set(None),
            cancel_requested: Set(true),
            ..Default::default()
        }
    } else {
        // If it was released to wait for something, a conductor can claim it at once to finish it.
        operation::ActiveModel { cancel_requested: Set(true), run_after: Set(None), ..Default::default() }
    };
    operation::Entity::update_many()
        .set(changed)
        .filter(operation::Column::Id.eq(row.id))
        .exec(connection)
        .await
        .doing("cancelling an operation")?;
    if waits {
        notification::note(connection, row, Stage::Failure).await?;
    }
    Ok(waits)
}

/// Writes the wanted number of nodes of a group: adds nodes, and marks others for removal.
pub(super) async fn apply_scale(
    connection: &impl ConnectionTrait,
    row: &cluster_entity::Model,
    group: &NodeGroup,
    node_count: u32,
    remove: &[Uuid],
    now: Timestamp,
) -> Result<()> {
    let members: Vec<Member> = node::of_clusters(connection, vec![row.uuid.clone()])
        .await?
        .iter()
        .map(TryInto::try_into)
        .collect::<Result<_>>()?;
    let change = scale::change(&row.name, group, &members, node_count, remove)
        .map_err(|stranger| StoreError::not_found("node", stranger))?;
    if !change.go.is_empty() || !change.come.is_empty() {
        cluster::bump(connection, group.cluster).await?;
    }
    node::dismiss(connection, &change.go).await?;
    let target = target::now(connection, row, group).await?;
    let arrivals = change.come.into_iter().map(|node| Arrival { group, target: target.clone(), node, found: None });
    node::insert(connection, arrivals, codec::micros(now)).await?;
    group_entity::Entity::update_many()
        .col_expr(group_entity::Column::NodeCount, Expr::value(i64::from(node_count)))
        .filter(group_entity::Column::Uuid.eq(group.uuid.to_string()))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("changing a node group's size")
}

/// Checks whether one of the groups of a locked cluster may get another size.
pub(super) async fn check_total(
    connection: &impl ConnectionTrait,
    group: &NodeGroup,
    node_count: u32,
    limits: Limits,
) -> Result<()> {
    let rows = node_group::of_clusters(connection, vec![group.cluster.to_string()]).await?;
    let all: Vec<NodeGroup> = rows.into_iter().map(TryInto::try_into).collect::<Result<_>>()?;
    group.check_total(&all, node_count, limits).map_err(StoreError::Unfit)
}

pub(super) fn allow(status: &str, request: Request) -> Result<()> {
    StoreError::unless_allowed(codec::word("a status", status)?, request)
}

/// Cause of a running operation that was cancelled: by a delete of the cluster, or by a user.
pub(super) async fn stopped(connection: &impl ConnectionTrait, row: &operation::Model) -> Result<Cause> {
    let delete = OperationKind::Delete.to_string();
    let others = unfinished(connection, &row.cluster_uuid).await?;
    let is_superseded = others.iter().any(|other| other.id > row.id && other.kind == delete);
    if row.kind == OperationKind::Repair.to_string() && !is_superseded {
        return super::repair::stopped(connection, row, !others.iter().any(|other| other.id > row.id)).await;
    }
    let by_user = "The operation was cancelled by a user before it finished";
    Ok(if is_superseded { superseded() } else { Cause::user(Code::Cancelled, by_user, RETRY_OR_DELETE) })
}

fn superseded() -> Cause {
    Cause::user(Code::SupersededByDelete, "The cluster was deleted before the operation finished", "Nothing.")
}

fn cancelled() -> Cause {
    Cause::user(Code::Cancelled, "The operation was cancelled by a user before it started", RETRY_OR_DELETE)
}

/// The nodes of a new cluster, masters first, so that they get the lowest slots.
fn first_nodes<'a>(template: &ClusterTemplate, cluster: &Cluster, groups: &'a [NodeGroup]) -> Result<Vec<Arrival<'a>>> {
    let mut sorted: Vec<&NodeGroup> = groups.iter().collect();
    sorted.sort_by_key(|group| group.role == NodeRole::Worker);
    let mut members: Vec<Member> = Vec::new();
    let mut arrivals = Vec::new();
    for group in sorted {
        let change = scale::change(&cluster.name, group, &members, group.node_count, &[])
            .map_err(|stranger| StoreError::not_found("node", stranger))?;
        let target = target::row(&Target::of(cluster, template, group))?;
        for node in change.come {
            members.push(Member {
                uuid: Uuid::nil(),
                group: group.uuid,
                name: node.name.clone(),
                number: node.number,
                slot: node.slot,
                wanted: true,
            });
            arrivals.push(Arrival { group, target: target.clone(), node, found: None });
        }
    }
    Ok(arrivals)
}
