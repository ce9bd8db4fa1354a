//! Requesting node groups besides those that a cluster is created with: they are created, changed and deleted by
//! operations of their cluster. The wanted state is written together with the operation that brings it about.

use jeroboam_model::status::Request;
use jeroboam_model::{ClusterTemplate, NodeGroup, OperationKind, Status};
use jeroboam_types::operation::Operation;
use jiff::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::request::{allow, apply_scale, check_total};
use super::{NewOperation, Subject, insert, unfinished_changes, with_steps};
use crate::entity::node_group;
use crate::error::Doing;
use crate::quota::{self, Growth};
use crate::{
    ClusterId, Event, Result, Store, StoreError, cluster, cluster_template, codec, idempotency,
    node_group as group_rows,
};

impl Store {
    /// Inserts a new node group of a cluster with its wanted nodes, and the operation that brings them up.
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`] in the cluster's status, [`StoreError::Unfit`] when the cluster would exceed its node
    /// limit, [`StoreError::QuotaReached`] when the project would exceed its quota, [`StoreError::Conflict`] when the
    /// cluster has a group of that name, [`StoreError::NotFound`] when there is no such cluster.
    pub async fn request_node_group(
        &self,
        cluster: ClusterId,
        group: &NodeGroup,
        operation: NewOperation,
    ) -> Result<Operation> {
        if group.cluster != cluster.uuid() {
            return Err(StoreError::not_found(cluster::WHAT, group.cluster));
        }
        let doing = "creating a node group";
        let now = Timestamp::now();
        let operation = &operation;
        self.write(|transaction| async move {
            quota::lock(&transaction, &operation.project_id, 0).await?;
            let row = cluster::lock(&transaction, group.cluster).await?;
            allow(&row.status, Request::NodeGroup)?;
            check_total(&transaction, group, group.node_count, operation.limits).await?;
            let growth = Growth::default().nodes(group.role, group.node_count);
            quota::check(&transaction, &row.project_id, growth, operation.quotas).await?;
            idempotency::makes(&transaction, group.uuid).await?;
            group_rows::insert(&transaction, std::slice::from_ref(group)).await?;
            apply_scale(&transaction, &row, group, group.node_count, &[], now).await?;
            let operation = begin(&transaction, &row, OperationKind::Update, operation.clone(), now).await?;
            self.commit(transaction, doing).await?;
            self.publish(Event::operation(group.cluster, operation.uuid));
            Ok(operation)
        })
        .await
    }

    /// Changes the bounds, labels and taints of a node group: `change` gets the present group and returns the new one,
    /// or refuses with an error of its own type. The row is locked meanwhile. Other fields of the returned group are
    /// ignored.
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`] in the status of cluster or group, [`StoreError::NotFound`], and the errors of
    /// `change`.
    pub async fn request_node_group_update<E: From<StoreError>>(
        &self,
        cluster: ClusterId,
        group: Uuid,
        operation: NewOperation,
        change: impl Fn(&NodeGroup) -> std::result::Result<NodeGroup, E> + Send + Sync,
    ) -> std::result::Result<Operation, E> {
        let cluster = cluster.uuid();
        let now = Timestamp::now();
        let operation = &operation;
        let change = &change;
        self.write(|transaction| async move {
            let row = cluster::lock(&transaction, cluster).await?;
            let before = one(&transaction, cluster, group).await?;
            allow(&row.status, Request::Update)?;
            StoreError::unless_allowed(before.status, Request::Update)?;
            let changed = change(&before)?;
            node_group::Entity::update_many()
                .col_expr(node_group::Column::MinNodeCount, Expr::value(i64::from(changed.min_node_count)))
                .col_expr(node_group::Column::MaxNodeCount, Expr::value(changed.max_node_count.map(i64::from)))
                .col_expr(
                    node_group::Column::NodeLabels,
                    Expr::value(codec::json("node labels", &changed.node_labels)?),
                )
                .col_expr(
                    node_group::Column::NodeTaints,
                    Expr::value(codec::json("node taints", &changed.node_taints)?),
                )
                .filter(node_group::Column::Uuid.eq(group.to_string()))
                .exec(&transaction)
                .await
                .doing("changing a node group")?;
            group_rows::mark(&transaction, group, Status::UpdateInProgress, codec::micros(now)).await?;
            let operation = begin(&transaction, &row, OperationKind::Update, operation.clone(), now).await?;
            self.commit(transaction, "changing a node group").await?;
            self.publish(Event::operation(cluster, operation.uuid));
            Ok(operation)
        })
        .await
    }

    /// Deletes a node group with all its nodes. When that is in progress already, returns the newest unfinished
    /// operation of the cluster, which will complete it.
    ///
    /// # Errors
    /// [`StoreError::InUse`] for a group that the cluster was created with, [`StoreError::NotAllowed`] when the cluster
    /// itself is being deleted, [`StoreError::NotFound`].
    pub async fn request_node_group_delete(
        &self,
        cluster: ClusterId,
        group: Uuid,
        operation: NewOperation,
    ) -> Result<Operation> {
        let cluster = cluster.uuid();
        let doing = "deleting a node group";
        let now = Timestamp::now();
        let operation = &operation;
        self.write(|transaction| async move {
            let row = cluster::lock(&transaction, cluster).await?;
            let group = one(&transaction, cluster, group).await?;
            if group.is_default {
                return Err(StoreError::InUse(format!(
                    "The node group {} is a default one: it is deleted with its cluster only.",
                    group.name
                )));
            }
            allow(&row.status, Request::NodeGroup)?;
            if group.status == Status::DeleteInProgress
                && let Some(there) = unfinished_changes(&transaction, &row.uuid).await?.pop()
            {
                return with_steps(&transaction, there).await;
            }
            apply_scale(&transaction, &row, &group, 0, &[], now).await?;
            group_rows::mark(&transaction, group.uuid, Status::DeleteInProgress, codec::micros(now)).await?;
            let operation = begin(&transaction, &row, OperationKind::Update, operation.clone(), now).await?;
            self.commit(transaction, doing).await?;
            self.publish(Event::operation(cluster, operation.uuid));
            Ok(operation)
        })
        .await
    }

    /// Moves a cluster to another template, which the caller checked as it read it. `group` is the node group that the
    /// request names; all groups of the cluster follow.
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`] unless the cluster is complete, [`StoreError::Overtaken`] when the template was
    /// changed since it was read, [`StoreError::NotFound`] for cluster, group or template.
    pub async fn request_upgrade(
        &self,
        cluster: ClusterId,
        group: Uuid,
        template: &ClusterTemplate,
        operation: NewOperation,
    ) -> Result<Operation> {
        let cluster = cluster.uuid();
        let now = Timestamp::now();
        let operation = &operation;
        self.write(|transaction| async move {
            let row = cluster::lock(&transaction, cluster).await?;
            allow(&row.status, Request::Upgrade)?;
            let group = one(&transaction, cluster, group).await?;
            cluster_template::lock_as_read(&transaction, template).await?;
            cluster::set_template(&transaction, cluster, template.uuid).await?;
            group_rows::mark(&transaction, group.uuid, Status::UpdateInProgress, codec::micros(now)).await?;
            let operation = begin(&transaction, &row, OperationKind::Upgrade, operation.clone(), now).await?;
            self.commit(transaction, "upgrading a cluster").await?;
            self.publish(Event::operation(cluster, operation.uuid));
            Ok(operation)
        })
        .await
    }
}

/// Gives the cluster the status of a new operation of this kind.
pub(super) async fn begin(
    connection: &impl ConnectionTrait,
    row: &crate::entity::cluster::Model,
    kind: OperationKind,
    operation: NewOperation,
    now: Timestamp,
) -> Result<Operation> {
    let subject = Subject::cluster(codec::uuid(&row.uuid)?, row);
    insert(connection, subject, NewOperation { kind, ..operation }, now).await
}

/// A node group of a cluster.
pub(super) async fn one(connection: &impl ConnectionTrait, cluster: Uuid, group: Uuid) -> Result<NodeGroup> {
    node_group::Entity::find()
        .filter(node_group::Column::Uuid.eq(group.to_string()))
        .filter(node_group::Column::ClusterUuid.eq(cluster.to_string()))
        .one(connection)
        .await
        .doing("reading a node group")?
        .ok_or_else(|| StoreError::not_found("node group", group))?
        .try_into()
}
