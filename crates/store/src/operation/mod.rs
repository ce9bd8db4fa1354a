//! Operations: requested (`request`), claimed (`lease`), recorded step by step (`step`), finished (`finish`), and kept
//! as history.

mod adopt;
mod finish;
mod held;
mod lease;
mod node_group;
mod receipt;
mod repair;
mod request;
mod rotate_ca;
mod step;

pub use finish::Outcome;
pub use held::Held;
use jeroboam_model::validate::Limits;
use jeroboam_model::{OperationKind, OperationStatus, QuotaDefaults, Status};
use jeroboam_types::operation::Operation;
use jiff::{SignedDuration, Timestamp};
pub use lease::{Claim, Renewed};
pub use repair::HEALER;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Select};
use uuid::Uuid;

use crate::entity::{operation, step as step_entity};
use crate::error::Doing;
use crate::notification::{self, Stage};
use crate::page::{Columns, cut};
use crate::{Page, Result, Scope, Store, StoreError, cluster, codec, deployment, dry_run};

const WHAT: &str = "operation";

/// A requested operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOperation {
    /// What it does.
    pub kind: OperationKind,
    /// The owning project.
    pub project_id: String,
    /// User who makes the request.
    pub user_id: String,
    /// Id of the request.
    pub request_id: String,
    /// How long it may take from the first claim; waiting for an earlier operation does not count.
    pub deadline: Option<SignedDuration>,
    /// Default quotas for projects that have none of their own.
    pub quotas: QuotaDefaults,
    /// Limits on the size of one cluster.
    pub limits: Limits,
    /// Whether a member that holds the only copy of the cluster's state may be replaced by an empty one.
    pub replace_data: bool,
}

impl Store {
    /// The operation with this id, with its steps.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] among those visible.
    pub async fn operation(&self, scope: &Scope, uuid: Uuid) -> Result<Operation> {
        let snapshot = self.snapshot().await?;
        let row = visible(scope)
            .filter(operation::Column::Uuid.eq(uuid.to_string()))
            .one(&snapshot)
            .await
            .doing("reading an operation")?
            .ok_or_else(|| StoreError::not_found(WHAT, uuid))?;
        with_steps(&snapshot, row).await
    }

    /// Whether this database knows that the cluster was deleted completely.
    ///
    /// # Errors
    /// On a database error.
    pub async fn was_deleted(&self, cluster: Uuid) -> Result<bool> {
        let delete = operation::Entity::find()
            .filter(operation::Column::ClusterUuid.eq(cluster.to_string()))
            .filter(operation::Column::Kind.eq(OperationKind::Delete.to_string()))
            .filter(operation::Column::Status.eq(OperationStatus::Succeeded.to_string()))
            .one(self.reader())
            .await
            .doing("looking up the deletion of a cluster")?;
        Ok(delete.is_some())
    }

    /// A page of the visible operations without their steps, newest first unless the page has a sort key. `cluster`
    /// restricts it to one cluster by id or name, also after the cluster was deleted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the marker, [`StoreError::BadSortKey`].
    pub async fn operations(&self, scope: &Scope, cluster: Option<&str>, page: &Page) -> Result<Vec<Operation>> {
        let by = sort_column(page)?;
        let mut page = page.clone();
        if page.sort_key.as_deref().is_none_or(str::is_empty) {
            page.descending = true;
        }
        let mut select = visible(scope);
        if let Some(ident) = cluster {
            select = select.filter(
                Condition::any()
                    .add(operation::Column::ClusterUuid.eq(Uuid::parse_str(ident).unwrap_or_default().to_string()))
                    .add(operation::Column::ClusterName.eq(ident)),
            );
        }
        let columns = Columns { id: operation::Column::Id, uuid: operation::Column::Uuid, by };
        cut(self.reader(), select, columns, &page, WHAT)
            .await?
            .all(self.reader())
            .await
            .doing("listing operations")?
            .into_iter()
            .map(|row| view(row, Vec::new()))
            .collect()
    }
}

/// The cluster of a new operation.
pub(crate) struct Subject<'a> {
    /// The cluster.
    pub(crate) uuid: Uuid,
    /// Its name, kept in the history.
    pub(crate) name: &'a str,
    /// Its status before the operation; `None` for a new cluster.
    pub(crate) status_before: Option<&'a str>,
    /// The operation that is retried.
    pub(crate) retry_of: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// A cluster as it was before the operation's request changed it.
    pub(crate) fn cluster(uuid: Uuid, row: &'a crate::entity::cluster::Model) -> Self {
        Self { uuid, name: &row.name, status_before: Some(&row.status), retry_of: None }
    }
}

/// Inserts a new operation, which waits for a conductor, and gives its cluster the matching status.
pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    subject: Subject<'_>,
    new: NewOperation,
    now: Timestamp,
) -> Result<Operation> {
    let NewOperation { kind, project_id, user_id, request_id, deadline, quotas: _, limits: _, replace_data } = new;
    let uuid = Uuid::new_v4();
    if kind != OperationKind::Repair {
        Box::pin(repair::make_way(connection, subject.uuid, now)).await?;
    }
    let time_limit = deadline.map(|limit| i64::try_from(limit.as_micros()).unwrap_or(i64::MAX));
    match subject.status_before {
        Some(_) => {
            if let Some(status) = Status::in_progress(kind) {
                cluster::set_status(connection, subject.uuid, status, None, uuid, codec::micros(now)).await?;
            }
        }
        // A new cluster is inserted with its status.
        None => cluster::set_operation(connection, subject.uuid, uuid).await?,
    }
    operation::Entity::insert(operation::ActiveModel {
        id: NotSet,
        uuid: Set(uuid.to_string()),
        kind: Set(kind.to_string()),
        status: Set(OperationStatus::Queued.to_string()),
        cluster_uuid: Set(subject.uuid.to_string()),
        cluster_name: Set(subject.name.to_owned()),
        project_id: Set(project_id),
        user_id: Set(user_id),
        request_id: Set(request_id),
        created_at: Set(codec::micros(now)),
        started_at: Set(None),
        finished_at: Set(None),
        deadline_at: Set(time_limit.map(|limit| codec::micros(now).saturating_add(limit))),
        time_limit: Set(time_limit),
        cause: Set(None),
        owner: Set(None),
        lease_until: Set(None),
        fence: Set(0),
        run_after: Set(None),
        cancel_requested: Set(false),
        status_before: Set(subject.status_before.map(str::to_owned)),
        retry_of: Set(subject.retry_of.map(str::to_owned)),
        replace_data: Set(replace_data),
        receipt: Set(None),
    })
    .exec_without_returning(connection)
    .await
    .doing("creating an operation")?;
    deployment::rise(connection).await?;
    let row = one(connection, uuid).await?;
    notification::note(connection, &row, Stage::Pending).await?;
    let operation = view(row, Vec::new())?;
    dry_run::begins(&operation);
    Ok(operation)
}

/// The operation's row.
pub(crate) async fn one(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<operation::Model> {
    operation::Entity::find()
        .filter(operation::Column::Uuid.eq(uuid.to_string()))
        .one(connection)
        .await
        .doing("reading an operation")?
        .ok_or_else(|| StoreError::not_found(WHAT, uuid))
}

/// The cluster's unfinished operations, oldest first.
pub(crate) async fn unfinished(connection: &impl ConnectionTrait, cluster: &str) -> Result<Vec<operation::Model>> {
    operation::Entity::find()
        .filter(operation::Column::ClusterUuid.eq(cluster))
        .filter(operation::Column::Status.is_in(unfinished_words()))
        .order_by_asc(operation::Column::Id)
        .all(connection)
        .await
        .doing("reading a cluster's operations")
}

/// The same without repairs, which do not change the cluster's status.
pub(crate) async fn unfinished_changes(
    connection: &impl ConnectionTrait,
    cluster: &str,
) -> Result<Vec<operation::Model>> {
    let mut all = unfinished(connection, cluster).await?;
    all.retain(|row| row.kind != OperationKind::Repair.to_string());
    Ok(all)
}

/// The statuses of unfinished operations, as stored.
pub(crate) fn unfinished_words() -> [String; 3] {
    [OperationStatus::Queued, OperationStatus::Running, OperationStatus::Blocked].map(|status| status.to_string())
}

/// The operation with its steps.
pub(crate) async fn with_steps(connection: &impl ConnectionTrait, row: operation::Model) -> Result<Operation> {
    let steps = step::of_operation(connection, &row.uuid).await?;
    view(row, steps)
}

/// The operation as clients see it.
pub(crate) fn view(row: operation::Model, steps: Vec<step_entity::Model>) -> Result<Operation> {
    Ok(Operation {
        uuid: codec::uuid(&row.uuid)?,
        kind: codec::word("a kind", &row.kind)?,
        status: codec::word("a status", &row.status)?,
        cluster_uuid: codec::uuid(&row.cluster_uuid)?,
        cluster_name: row.cluster_name,
        project_id: row.project_id,
        user_id: row.user_id,
        request_id: row.request_id,
        created_at: codec::time(row.created_at)?,
        started_at: codec::maybe_time(row.started_at)?,
        finished_at: codec::maybe_time(row.finished_at)?,
        deadline_at: codec::maybe_time(row.deadline_at)?,
        retry_of: row.retry_of.as_deref().map(codec::uuid).transpose()?,
        replace_data: row.replace_data,
        receipt: codec::maybe_from_json("a receipt", row.receipt)?,
        cause: codec::maybe_from_json("a cause", row.cause)?,
        steps: steps.into_iter().map(step::view).collect::<Result<_>>()?,
    })
}

fn visible(scope: &Scope) -> Select<operation::Entity> {
    operation::Entity::find().filter(scope.condition(operation::Column::ProjectId))
}

fn sort_column(page: &Page) -> Result<Option<operation::Column>> {
    use operation::Column as C;
    Ok(Some(match page.sort_key.as_deref() {
        None | Some("" | "id") => return Ok(None),
        Some("uuid") => C::Uuid,
        Some("kind") => C::Kind,
        Some("status") => C::Status,
        Some("cluster_uuid") => C::ClusterUuid,
        Some("cluster_name") => C::ClusterName,
        Some("project_id") => C::ProjectId,
        Some("user_id") => C::UserId,
        Some("request_id") => C::RequestId,
        Some("created_at") => C::CreatedAt,
        Some("started_at") => C::StartedAt,
        Some("finished_at") => C::FinishedAt,
        Some("deadline_at") => C::DeadlineAt,
        Some(other) => return Err(StoreError::BadSortKey(other.to_owned())),
    }))
}
