//! Rows of node groups. They are read and written together with their cluster.

use std::collections::BTreeMap;

use jeroboam_model::{NodeGroup, NodeRole, Status};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use uuid::Uuid;

use crate::entity::{node, node_group};
use crate::error::{Doing, classify, is_duplicate};
use crate::{Result, StoreError, codec};

/// The groups of some clusters, oldest first.
pub(crate) async fn of_clusters(
    connection: &impl ConnectionTrait,
    clusters: Vec<String>,
) -> Result<Vec<node_group::Model>> {
    node_group::Entity::find()
        .filter(node_group::Column::ClusterUuid.is_in(clusters))
        .order_by_asc(node_group::Column::Id)
        .all(connection)
        .await
        .doing("reading node groups")
}

/// Inserts new groups.
pub(crate) async fn insert(connection: &impl ConnectionTrait, groups: &[NodeGroup]) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = groups.iter().map(row).collect::<Result<_>>()?;
    node_group::Entity::insert_many(rows).exec_without_returning(connection).await.map(|_| ()).map_err(|error| {
        // Uuids are generated here, so the duplicate is the name.
        if is_duplicate(&error) {
            let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
            StoreError::Conflict(format!("The cluster has a node group named {} already.", names.join(" or ")))
        } else {
            classify("creating node groups", &error)
        }
    })
}

/// Sets the status of a group whose change starts.
pub(crate) async fn mark(connection: &impl ConnectionTrait, group: Uuid, status: Status, now: i64) -> Result<()> {
    set_status(connection, vec![group.to_string()], status, None, now).await
}

/// Gives each of the cluster's groups the status that `next` returns for its present one. Groups whose status does not
/// change keep their reason.
pub(crate) async fn turn(
    connection: &impl ConnectionTrait,
    cluster: Uuid,
    next: impl Fn(Status) -> Status,
    reason: Option<&str>,
    now: i64,
) -> Result<()> {
    let mut turned: BTreeMap<String, (Status, Vec<String>)> = BTreeMap::new();
    for row in of_clusters(connection, vec![cluster.to_string()]).await? {
        let status: Status = codec::word("a status", &row.status)?;
        let after = next(status);
        if after != status {
            turned.entry(after.to_string()).or_insert_with(|| (after, Vec::new())).1.push(row.uuid);
        }
    }
    for (status, groups) in turned.into_values() {
        set_status(connection, groups, status, reason, now).await?;
    }
    Ok(())
}

/// Marks all of the cluster's groups as being deleted, and keeps their present status.
pub(crate) async fn leave(connection: &impl ConnectionTrait, cluster: Uuid, now: i64) -> Result<()> {
    node_group::Entity::update_many()
        .col_expr(node_group::Column::StatusBefore, Expr::col(node_group::Column::Status))
        .filter(node_group::Column::ClusterUuid.eq(cluster.to_string()))
        .exec(connection)
        .await
        .doing("storing the status of node groups")?;
    turn(connection, cluster, |_| Status::DeleteInProgress, None, now).await
}

/// The cluster is not deleted after all: each group gets its earlier status back; a change that was in progress then
/// counts as abandoned.
pub(crate) async fn stay(connection: &impl ConnectionTrait, cluster: Uuid, now: i64) -> Result<()> {
    for row in of_clusters(connection, vec![cluster.to_string()]).await? {
        let Some(before) = row.status_before else { continue };
        let before: Status = codec::word("a status", &before)?;
        set_status(connection, vec![row.uuid], before.given_up(), None, now).await?;
    }
    Ok(())
}

/// Deletes the cluster's groups that were to be deleted and have no nodes any more.
pub(crate) async fn remove_emptied(connection: &impl ConnectionTrait, cluster: Uuid) -> Result<()> {
    let occupied = node::Entity::find()
        .select_only()
        .column(node::Column::NodeGroupUuid)
        .filter(node::Column::ClusterUuid.eq(cluster.to_string()))
        .into_query();
    node_group::Entity::delete_many()
        .filter(node_group::Column::ClusterUuid.eq(cluster.to_string()))
        .filter(node_group::Column::IsDefault.eq(false))
        .filter(
            node_group::Column::Status
                .is_in([Status::DeleteInProgress, Status::DeleteFailed].map(|status| status.to_string())),
        )
        .filter(node_group::Column::Uuid.not_in_subquery(occupied))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("deleting node groups")
}

async fn set_status(
    connection: &impl ConnectionTrait,
    groups: Vec<String>,
    to: Status,
    reason: Option<&str>,
    now: i64,
) -> Result<()> {
    node_group::Entity::update_many()
        .col_expr(node_group::Column::Status, Expr::value(to.to_string()))
        .col_expr(node_group::Column::StatusReason, Expr::value(reason))
        .col_expr(node_group::Column::UpdatedAt, Expr::value(now))
        .filter(node_group::Column::Uuid.is_in(groups))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("changing the status of node groups")
}

/// The node role that a group's role name stands for (contract magnum-v1 section 2.4).
fn role_of(name: &str) -> NodeRole {
    if name == NodeRole::Master.to_string() { NodeRole::Master } else { NodeRole::Worker }
}

fn row(group: &NodeGroup) -> Result<node_group::ActiveModel> {
    Ok(node_group::ActiveModel {
        id: NotSet,
        uuid: Set(group.uuid.to_string()),
        cluster_uuid: Set(group.cluster.to_string()),
        project_id: Set(group.project_id.clone()),
        name: Set(group.name.clone()),
        role: Set(group.role_name.clone()),
        is_default: Set(group.is_default),
        node_count: Set(group.node_count.into()),
        min_node_count: Set(group.min_node_count.into()),
        max_node_count: Set(group.max_node_count.map(i64::from)),
        flavor_id: Set(group.flavor_id.clone()),
        image_id: Set(group.image_id.clone()),
        docker_volume_size: Set(group.docker_volume_size.map(i64::from)),
        labels: Set(codec::json("labels", &group.labels)?),
        node_labels: Set(codec::json("node labels", &group.node_labels)?),
        node_taints: Set(codec::json("node taints", &group.node_taints)?),
        status: Set(group.status.to_string()),
        status_reason: Set(group.status_reason.clone()),
        status_before: Set(None),
        version: Set(group.version.clone()),
        created_at: Set(codec::micros(group.created_at)),
        updated_at: Set(group.updated_at.map(codec::micros)),
    })
}

impl TryFrom<node_group::Model> for NodeGroup {
    type Error = StoreError;

    fn try_from(row: node_group::Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            uuid: codec::uuid(&row.uuid)?,
            cluster: codec::uuid(&row.cluster_uuid)?,
            project_id: row.project_id,
            name: row.name,
            role: role_of(&row.role),
            role_name: row.role,
            is_default: row.is_default,
            node_count: codec::number("a number of nodes", row.node_count)?,
            min_node_count: codec::number("a number of nodes", row.min_node_count)?,
            max_node_count: row.max_node_count.map(|count| codec::number("a number of nodes", count)).transpose()?,
            flavor_id: row.flavor_id,
            image_id: row.image_id,
            docker_volume_size: row.docker_volume_size.map(|size| codec::number("a size", size)).transpose()?,
            labels: codec::from_json("labels", row.labels)?,
            node_labels: codec::from_json("node labels", row.node_labels)?,
            node_taints: codec::from_json("node taints", row.node_taints)?,
            status: codec::word("a status", &row.status)?,
            status_reason: row.status_reason,
            version: row.version,
            created_at: codec::time(row.created_at)?,
            updated_at: codec::maybe_time(row.updated_at)?,
        })
    }
}
