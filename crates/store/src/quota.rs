//! Quotas. Requests that create something check them in the same transaction, so that concurrent requests cannot exceed
//! them.

use std::collections::BTreeMap;

use jeroboam_model::{NodeRole, Quota, QuotaDefaults, QuotaResource};
use jiff::Timestamp;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Select};

use crate::entity::{cluster, node_group, project, quota};
use crate::error::{Doing, classify, is_duplicate};
use crate::page::{Columns, cut};
use crate::{Page, Result, Scope, Store, StoreError, codec};

const WHAT: &str = "quota";

impl Store {
    /// Inserts a new quota, and returns it with its number.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the project has one for the resource, or the number is taken.
    pub async fn create_quota(&self, new: &Quota) -> Result<Quota> {
        self.write(|transaction| async move {
            let row = quota::ActiveModel {
                id: if new.id == 0 { NotSet } else { Set(new.id) },
                project_id: Set(new.project_id.clone()),
                resource: Set(new.resource.to_string()),
                hard_limit: Set(new.hard_limit.into()),
                created_at: Set(codec::micros(new.created_at)),
                updated_at: Set(new.updated_at.map(codec::micros)),
            };
            quota::Entity::insert(row).exec_without_returning(&transaction).await.map_err(|error| {
                if is_duplicate(&error) {
                    StoreError::Conflict(format!(
                        "There is a quota of project {} for {} already, or one with this id. Change that one.",
                        new.project_id, new.resource
                    ))
                } else {
                    classify("creating a quota", &error)
                }
            })?;
            skip_taken_ids(&transaction).await?;
            let made = one(&transaction, &new.project_id, new.resource).await?;
            self.commit(transaction, "creating a quota").await?;
            made.try_into()
        })
        .await
    }

    /// A project's quota for a resource; `None` when the default holds.
    ///
    /// # Errors
    /// On a database error.
    pub async fn quota(&self, project: &str, resource: QuotaResource) -> Result<Option<Quota>> {
        let row = of(project, resource).one(self.reader()).await.doing("reading a quota")?;
        row.map(TryInto::try_into).transpose()
    }

    /// A page of the quotas of visible projects.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the marker, [`StoreError::BadSortKey`].
    pub async fn quotas(&self, scope: &Scope, page: &Page<i64>) -> Result<Vec<Quota>> {
        use quota::Column as C;
        let by = match page.sort_key.as_deref() {
            None | Some("" | "id") => None,
            Some("project_id") => Some(C::ProjectId),
            Some("resource") => Some(C::Resource),
            Some("hard_limit") => Some(C::HardLimit),
            Some("created_at") => Some(C::CreatedAt),
            Some("updated_at") => Some(C::UpdatedAt),
            Some(other) => return Err(StoreError::BadSortKey(other.to_owned())),
        };
        let visible = quota::Entity::find().filter(scope.condition(C::ProjectId));
        cut(self.reader(), visible, Columns { id: C::Id, uuid: C::Id, by }, page, WHAT)
            .await?
            .all(self.reader())
            .await
            .doing("listing quotas")?
            .into_iter()
            .map(TryInto::try_into)
            .collect()
    }

    /// Changes the limit. Existing resources stay, even if they exceed it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the project has no quota of its own for the resource.
    pub async fn update_quota(
        &self,
        project: &str,
        resource: QuotaResource,
        limit: u32,
        now: Timestamp,
    ) -> Result<Quota> {
        self.write(|transaction| async move {
            let before = one(&transaction, project, resource).await?;
            quota::Entity::update_many()
                .col_expr(quota::Column::HardLimit, Expr::value(i64::from(limit)))
                .col_expr(quota::Column::UpdatedAt, Expr::value(codec::micros(now)))
                .filter(quota::Column::Id.eq(before.id))
                .exec(&transaction)
                .await
                .doing("changing a quota")?;
            let after = one(&transaction, project, resource).await?;
            self.commit(transaction, "changing a quota").await?;
            after.try_into()
        })
        .await
    }

    /// Deletes a quota: from then on the default holds.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the project has none of its own for the resource.
    pub async fn delete_quota(&self, project: &str, resource: QuotaResource) -> Result<()> {
        self.write(|transaction| async move {
            let row = one(&transaction, project, resource).await?;
            quota::Entity::delete_by_id(row.id).exec(&transaction).await.doing("deleting a quota")?;
            self.commit(transaction, "deleting a quota").await
        })
        .await
    }
}

/// How much a request adds of each resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Growth {
    pub(crate) clusters: u32,
    pub(crate) worker_nodes: u32,
    pub(crate) master_nodes: u32,
}

impl Growth {
    /// Adds nodes of a role.
    pub(crate) fn nodes(mut self, role: NodeRole, count: u32) -> Self {
        let nodes = match role {
            NodeRole::Master => &mut self.master_nodes,
            NodeRole::Worker => &mut self.worker_nodes,
        };
        *nodes = nodes.saturating_add(count);
        self
    }

    fn of(self, resource: QuotaResource) -> u32 {
        match resource {
            QuotaResource::Cluster => self.clusters,
            QuotaResource::WorkerNode => self.worker_nodes,
            QuotaResource::MasterNode => self.master_nodes,
        }
    }
}

/// Locks a project until the transaction ends, so that two requests cannot both count and take the last place.
pub(crate) async fn lock(connection: &impl ConnectionTrait, project: &str, new_clusters: u32) -> Result<()> {
    let new_clusters = i64::from(new_clusters);
    project::Entity::insert(project::ActiveModel {
        id: NotSet,
        project_id: Set(project.to_owned()),
        created_clusters: Set(new_clusters),
    })
    .on_conflict(
        OnConflict::column(project::Column::ProjectId)
            .value(
                project::Column::CreatedClusters,
                Expr::col((project::Entity, project::Column::CreatedClusters)).add(new_clusters),
            )
            .to_owned(),
    )
    .exec_without_returning(connection)
    .await
    .map(|_| ())
    .doing("locking a project")
}

/// Checks whether a locked project may grow by this much. Only resources that grow are checked: a project that exceeds
/// a lowered quota can still shrink.
pub(crate) async fn check(
    connection: &impl ConnectionTrait,
    project: &str,
    growth: Growth,
    defaults: QuotaDefaults,
) -> Result<()> {
    let mut own = BTreeMap::new();
    let rows = quota::Entity::find().filter(quota::Column::ProjectId.eq(project)).all(connection).await;
    for row in rows.doing("reading quotas")? {
        let quota = Quota::try_from(row)?;
        own.insert(quota.resource, quota.hard_limit);
    }
    for resource in [QuotaResource::Cluster, QuotaResource::WorkerNode, QuotaResource::MasterNode] {
        let more = u64::from(growth.of(resource));
        let Some(limit) = own.get(&resource).copied().or(defaults.of(resource)).filter(|_| more > 0) else { continue };
        if count(connection, project, resource).await?.saturating_add(more) > u64::from(limit) {
            return Err(StoreError::QuotaReached { resource, limit });
        }
    }
    Ok(())
}

async fn count(connection: &impl ConnectionTrait, project: &str, resource: QuotaResource) -> Result<u64> {
    use node_group::Column as C;
    let master = NodeRole::Master.to_string();
    let of_role = match resource {
        QuotaResource::Cluster => {
            let clusters = cluster::Entity::find().filter(cluster::Column::ProjectId.eq(project));
            return clusters.count(connection).await.doing("counting clusters");
        }
        QuotaResource::WorkerNode => C::Role.ne(master),
        QuotaResource::MasterNode => C::Role.eq(master),
    };
    sum_of_nodes(connection, node_group::Entity::find().filter(C::ProjectId.eq(project)).filter(of_role)).await
}

/// The sum of the groups' node counts.
pub(crate) async fn sum_of_nodes(connection: &impl ConnectionTrait, groups: Select<node_group::Entity>) -> Result<u64> {
    // Some databases return sums of integers as decimals.
    let whole = if connection.get_database_backend() == DbBackend::MySql { "SIGNED" } else { "BIGINT" };
    let sum: Option<Option<i64>> = groups
        .select_only()
        .column_as(Expr::col(node_group::Column::NodeCount).sum().cast_as(whole), "nodes")
        .into_tuple()
        .one(connection)
        .await
        .doing("counting nodes")?;
    codec::number("a number of nodes", sum.flatten().unwrap_or_default())
}

/// PostgreSQL does not count ids that were given: makes it continue after the highest one.
async fn skip_taken_ids(connection: &impl ConnectionTrait) -> Result<()> {
    if connection.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let sql = "SELECT setval(pg_get_serial_sequence('quotas', 'id'), (SELECT MAX(id) FROM quotas))";
    connection.execute_unprepared(sql).await.map(|_| ()).doing("creating a quota")
}

fn of(project: &str, resource: QuotaResource) -> Select<quota::Entity> {
    quota::Entity::find()
        .filter(quota::Column::ProjectId.eq(project))
        .filter(quota::Column::Resource.eq(resource.to_string()))
}

pub(crate) async fn one(
    connection: &impl ConnectionTrait,
    project: &str,
    resource: QuotaResource,
) -> Result<quota::Model> {
    of(project, resource)
        .one(connection)
        .await
        .doing("reading a quota")?
        .ok_or_else(|| StoreError::not_found(WHAT, format!("of project {project} for {resource}")))
}

impl TryFrom<quota::Model> for Quota {
    type Error = StoreError;

    fn try_from(row: quota::Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            project_id: row.project_id,
            resource: codec::word("a resource", &row.resource)?,
            hard_limit: codec::number("a limit", row.hard_limit)?,
            created_at: codec::time(row.created_at)?,
            updated_at: codec::maybe_time(row.updated_at)?,
        })
    }
}
