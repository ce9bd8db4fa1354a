//! Clusters, with their groups and nodes.

use std::collections::HashSet;

use jeroboam_model::{Cluster, Node, NodeGroup, Status};
use jiff::Timestamp;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use strum::IntoEnumIterator;
use uuid::Uuid;

use crate::entity::cluster;
use crate::error::{Doing, classify, is_dangling};
use crate::page::{Columns, cut};
use crate::{ClusterId, Page, Result, Scope, Store, StoreError, codec, node as node_rows, node_group, shown};

pub(crate) const WHAT: &str = "cluster";

/// A cluster with its node groups and nodes, as one look-up found them.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterRecord {
    pub(crate) id: ClusterId,
    /// The cluster.
    pub cluster: Cluster,
    /// Its groups, oldest first.
    pub groups: Vec<NodeGroup>,
    /// Its nodes, including those that are to be removed, oldest first.
    pub nodes: Vec<Node>,
}

/// Facts determined while a cluster comes up. `None` keeps the stored value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterFacts {
    /// URL of the engine's API.
    pub api_address: Option<String>,
    /// Version of the engine.
    pub coe_version: Option<String>,
    /// Version of the container runtime.
    pub container_version: Option<String>,
    /// Id of the stack or other resource at the infrastructure.
    pub stack_id: Option<String>,
}

impl ClusterRecord {
    /// The id that calls of the store take.
    #[must_use]
    pub fn id(&self) -> ClusterId {
        self.id
    }
}

impl Store {
    /// The cluster with this id or name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or [`StoreError::Ambiguous`] among those visible.
    pub async fn cluster(&self, scope: &Scope, ident: &str) -> Result<ClusterRecord> {
        let snapshot = self.snapshot().await?;
        let found = find(&snapshot, scope, ident).await?;
        let missing = || StoreError::not_found(WHAT, ident);
        records(&snapshot, vec![found]).await?.pop().ok_or_else(missing)
    }

    /// The cluster with this id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] among those visible.
    pub async fn cluster_by_uuid(&self, scope: &Scope, uuid: Uuid) -> Result<ClusterRecord> {
        let snapshot = self.snapshot().await?;
        let found = by_uuid(&snapshot, scope, uuid).await?;
        let found = found.ok_or_else(|| StoreError::not_found(WHAT, uuid))?;
        records(&snapshot, vec![found]).await?.pop().ok_or_else(|| StoreError::not_found(WHAT, uuid))
    }

    /// A page of the visible clusters. Three queries, four with a marker.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the marker, [`StoreError::BadSortKey`].
    pub async fn clusters(&self, scope: &Scope, page: &Page) -> Result<Vec<ClusterRecord>> {
        let by = sort_column(page)?;
        let snapshot = self.snapshot().await?;
        let columns = Columns { id: cluster::Column::Id, uuid: cluster::Column::Uuid, by };
        let found = cut(&snapshot, visible(scope), columns, page, WHAT)
            .await?
            .all(&snapshot)
            .await
            .doing("listing clusters")?;
        records(&snapshot, found).await
    }

    /// Clusters that have an API address and no operation in progress other than a repair, oldest first.
    ///
    /// # Errors
    /// On a database error.
    pub async fn running_clusters(&self) -> Result<Vec<Uuid>> {
        let statuses = Status::iter().filter(|status| !status.is_in_progress()).map(|status| status.to_string());
        let found: Vec<String> = cluster::Entity::find()
            .select_only()
            .column(cluster::Column::Uuid)
            .filter(cluster::Column::Status.is_in(statuses))
            .filter(cluster::Column::ApiAddress.is_not_null())
            .order_by_asc(cluster::Column::Id)
            .into_tuple()
            .all(self.reader())
            .await
            .doing("listing running clusters")?;
        found.iter().map(|uuid| codec::uuid(uuid)).collect()
    }

    /// The ids of all clusters.
    ///
    /// # Errors
    /// On a database error.
    pub async fn known_clusters(&self) -> Result<HashSet<Uuid>> {
        let uuids = cluster::Entity::find().select_only().column(cluster::Column::Uuid).into_tuple::<String>();
        let known = uuids.all(self.reader()).await.doing("listing the ids of clusters")?;
        known.iter().map(|uuid| codec::uuid(uuid)).collect()
    }

    /// A number that grows with every change that the cluster's agents must learn about.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn cluster_revision(&self, uuid: Uuid) -> Result<u64> {
        codec::number("a revision", one(self.reader(), uuid).await?.revision)
    }
}

/// The visible cluster with this id, or else the one with this name.
pub(crate) async fn find(connection: &impl ConnectionTrait, scope: &Scope, ident: &str) -> Result<cluster::Model> {
    if let Ok(uuid) = Uuid::parse_str(ident)
        && let Some(row) = by_uuid(connection, scope, uuid).await?
    {
        return Ok(row);
    }
    let by_name = visible(scope).filter(cluster::Column::Name.eq(ident)).limit(2);
    let mut found = by_name.all(connection).await.doing("looking up a cluster")?;
    if found.len() > 1 {
        return Err(StoreError::Ambiguous { what: WHAT, ident: ident.to_owned() });
    }
    found.pop().ok_or_else(|| StoreError::not_found(WHAT, ident))
}

async fn by_uuid(connection: &impl ConnectionTrait, scope: &Scope, uuid: Uuid) -> Result<Option<cluster::Model>> {
    let found = visible(scope).filter(cluster::Column::Uuid.eq(uuid.to_string()));
    found.one(connection).await.doing("looking up a cluster")
}

/// Inserts a new cluster.
pub(crate) async fn insert(connection: &impl ConnectionTrait, cluster: &Cluster) -> Result<()> {
    let doing = "creating a cluster";
    cluster::Entity::insert(row(cluster)?).exec_without_returning(connection).await.map(|_| ()).map_err(|error| {
        // With concurrent writers (PostgreSQL, MySQL) the template may have been deleted since the check.
        if is_dangling(&error) {
            StoreError::not_found("cluster template", cluster.template)
        } else {
            classify(doing, &error)
        }
    })
}

/// The cluster's row, locked until the transaction ends.
pub(crate) async fn lock(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<cluster::Model> {
    // A no-op update locks the row in every database.
    cluster::Entity::update_many()
        .col_expr(cluster::Column::Revision, Expr::col(cluster::Column::Revision))
        .filter(cluster::Column::Uuid.eq(uuid.to_string()))
        .exec(connection)
        .await
        .doing("locking a cluster")?;
    one(connection, uuid).await
}

/// Raises the cluster's revision, so that its agents fetch the change. No error if there is no such cluster.
pub(crate) async fn bump(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<()> {
    cluster::Entity::update_many()
        .col_expr(cluster::Column::Revision, Expr::col(cluster::Column::Revision).add(1))
        .filter(cluster::Column::Uuid.eq(uuid.to_string()))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("raising a cluster's revision")
}

/// Raises the cluster's revision to at least this.
pub(crate) async fn raise(connection: &impl ConnectionTrait, uuid: Uuid, revision: i64) -> Result<()> {
    cluster::Entity::update_many()
        .col_expr(cluster::Column::Revision, Expr::value(revision))
        .filter(cluster::Column::Uuid.eq(uuid.to_string()))
        .filter(cluster::Column::Revision.lt(revision))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("raising a cluster's revision")
}

/// Raises the revisions of all clusters by more than they can have grown in the history that is abandoned: agents only
/// accept a newer revision than the one they have.
pub(crate) async fn leap(connection: &impl ConnectionTrait) -> Result<()> {
    const LEAP: i64 = 1_000_000;
    cluster::Entity::update_many()
        .col_expr(cluster::Column::Revision, Expr::col(cluster::Column::Revision).add(LEAP))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("raising the revisions of clusters")
}

/// Sets the cluster's status, its reason and the operation that caused it.
pub(crate) async fn set_status(
    connection: &impl ConnectionTrait,
    uuid: Uuid,
    status: Status,
    reason: Option<&str>,
    operation: Uuid,
    now: i64,
) -> Result<()> {
    cluster::Entity::update_many()
        .col_expr(cluster::Column::Status, Expr::value(status.to_string()))
        .col_expr(cluster::Column::OperationUuid, Expr::value(operation.to_string()))
        .col_expr(cluster::Column::StatusReason, Expr::value(reason))
        .col_expr(cluster::Column::UpdatedAt, Expr::value(now))
        .filter(cluster::Column::Uuid.eq(uuid.to_string()))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("changing the status of a cluster")
}

/// Records the operation that gave the cluster its status.
pub(crate) async fn set_operation(connection: &impl ConnectionTrait, uuid: Uuid, operation: Uuid) -> Result<()> {
    cluster::Entity::update_many()
        .col_expr(cluster::Column::OperationUuid, Expr::value(operation.to_string()))
        .filter(cluster::Column::Uuid.eq(uuid.to_string()))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("recording the operation of a cluster")
}

/// Switches the cluster to another template.
pub(crate) async fn set_template(connection: &impl ConnectionTrait, uuid: Uuid, template: Uuid) -> Result<()> {
    cluster::Entity::update_many()
        .col_expr(cluster::Column::TemplateUuid, Expr::value(template.to_string()))
        .filter(cluster::Column::Uuid.eq(uuid.to_string()))
        .exec(connection)
        .await
        .map(|_| ())
        .map_err(|error| {
            if is_dangling(&error) {
                StoreError::not_found("cluster template", template)
            } else {
                classify("changing a cluster's template", &error)
            }
        })
}

/// Stores the facts that are set.
pub(crate) async fn write_facts(
    connection: &impl ConnectionTrait,
    before: &cluster::Model,
    facts: ClusterFacts,
) -> Result<()> {
    let ClusterFacts { api_address, coe_version, container_version, stack_id } = facts;
    // Only the address concerns the agents; the rest is for users.
    if api_address.is_some() && api_address != before.api_address {
        bump(connection, codec::uuid(&before.uuid)?).await?;
    }
    cluster::Entity::update_many()
        .col_expr(cluster::Column::ApiAddress, Expr::value(api_address.or_else(|| before.api_address.clone())))
        .col_expr(cluster::Column::CoeVersion, Expr::value(coe_version.or_else(|| before.coe_version.clone())))
        .col_expr(
            cluster::Column::ContainerVersion,
            Expr::value(container_version.or_else(|| before.container_version.clone())),
        )
        .col_expr(cluster::Column::StackId, Expr::value(stack_id.or_else(|| before.stack_id.clone())))
        .col_expr(cluster::Column::UpdatedAt, Expr::value(codec::micros(Timestamp::now())))
        .filter(cluster::Column::Id.eq(before.id))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("storing facts about a cluster")
}

/// The cluster's row.
pub(crate) async fn one(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<cluster::Model> {
    cluster::Entity::find()
        .filter(cluster::Column::Uuid.eq(uuid.to_string()))
        .one(connection)
        .await
        .doing("reading a cluster")?
        .ok_or_else(|| StoreError::not_found(WHAT, uuid))
}

/// Clusters with their groups and nodes: two queries for all of them.
pub(crate) async fn records(
    connection: &impl ConnectionTrait,
    found: Vec<cluster::Model>,
) -> Result<Vec<ClusterRecord>> {
    let uuids: Vec<String> = found.iter().map(|row| row.uuid.clone()).collect();
    if uuids.is_empty() {
        return Ok(Vec::new());
    }
    let groups = node_group::of_clusters(connection, uuids.clone()).await?;
    let nodes = node_rows::of_clusters(connection, uuids).await?;
    shown::assemble(found, groups, nodes)
}

pub(crate) fn visible(scope: &Scope) -> Select<cluster::Entity> {
    cluster::Entity::find().filter(scope.condition(cluster::Column::ProjectId))
}

/// The column for a sort key of the API; any stored field (contract magnum-v1 section 4).
pub(crate) fn sort_column(page: &Page) -> Result<Option<cluster::Column>> {
    use cluster::Column as C;
    Ok(Some(match page.sort_key.as_deref() {
        // Databases do not agree on an order of JSON values: sort by creation, which is stable.
        None | Some("" | "id" | "labels" | "health_status_reason") => return Ok(None),
        Some("uuid") => C::Uuid,
        Some("project_id") => C::ProjectId,
        Some("user_id") => C::UserId,
        Some("name") => C::Name,
        Some("cluster_template_id" | "baymodel_id") => C::TemplateUuid,
        Some("keypair") => C::Keypair,
        Some("docker_volume_size") => C::DockerVolumeSize,
        Some("master_flavor_id") => C::MasterFlavorId,
        Some("flavor_id") => C::FlavorId,
        Some("create_timeout" | "bay_create_timeout") => C::CreateTimeout,
        Some("discovery_url") => C::DiscoveryUrl,
        Some("fixed_network") => C::FixedNetwork,
        Some("fixed_subnet") => C::FixedSubnet,
        Some("floating_ip_enabled") => C::FloatingIpEnabled,
        Some("master_lb_enabled") => C::MasterLbEnabled,
        Some("status") => C::Status,
        Some("status_reason") => C::StatusReason,
        Some("health_status") => C::Health,
        // Newer name of the same field (contract magnum-v1 section 2.2).
        Some("stack_id" | "cluster_id") => C::StackId,
        Some("api_address") => C::ApiAddress,
        Some("coe_version") => C::CoeVersion,
        Some("container_version") => C::ContainerVersion,
        Some("created_at") => C::CreatedAt,
        Some("updated_at") => C::UpdatedAt,
        Some(other) => return Err(StoreError::BadSortKey(other.to_owned())),
    }))
}

fn row(cluster: &Cluster) -> Result<cluster::ActiveModel> {
    Ok(cluster::ActiveModel {
        id: NotSet,
        uuid: Set(cluster.uuid.to_string()),
        project_id: Set(cluster.project_id.clone()),
        user_id: Set(cluster.user_id.clone()),
        name: Set(cluster.name.clone()),
        template_uuid: Set(cluster.template.to_string()),
        engine: Set(cluster.engine.to_string()),
        engine_version: Set(cluster.engine_version.clone()),
        keypair: Set(cluster.keypair.clone()),
        docker_volume_size: Set(cluster.docker_volume_size.map(i64::from)),
        labels: Set(codec::json("labels", &cluster.labels)?),
        master_flavor_id: Set(cluster.master_flavor_id.clone()),
        flavor_id: Set(cluster.flavor_id.clone()),
        create_timeout: Set(cluster.create_timeout.map(i64::from)),
        discovery_url: Set(cluster.discovery_url.clone()),
        fixed_network: Set(cluster.fixed_network.clone()),
        fixed_subnet: Set(cluster.fixed_subnet.clone()),
        floating_ip_enabled: Set(cluster.floating_ip_enabled),
        master_lb_enabled: Set(cluster.master_lb_enabled),
        status: Set(cluster.status.to_string()),
        status_reason: Set(cluster.status_reason.clone()),
        operation_uuid: Set(None),
        health: Set(cluster.health.map(|health| health.to_string())),
        health_reason: Set(codec::json("a health reason", &cluster.health_reason)?),
        paused_at: Set(cluster.paused_at.map(codec::micros)),
        infrastructure: Set(cluster.infrastructure.clone()),
        stack_id: Set(cluster.stack_id.clone()),
        api_address: Set(cluster.api_address.clone()),
        coe_version: Set(cluster.coe_version.clone()),
        container_version: Set(cluster.container_version.clone()),
        // Agents start at 0 and wait for a higher revision.
        revision: Set(1),
        created_at: Set(codec::micros(cluster.created_at)),
        updated_at: Set(cluster.updated_at.map(codec::micros)),
    })
}

impl TryFrom<cluster::Model> for Cluster {
    type Error = StoreError;

    fn try_from(row: cluster::Model) -> Result<Self> {
        Ok(Self {
            uuid: codec::uuid(&row.uuid)?,
            project_id: row.project_id,
            user_id: row.user_id,
            name: row.name,
            template: codec::uuid(&row.template_uuid)?,
            engine: codec::word("an engine", &row.engine)?,
            engine_version: row.engine_version,
            keypair: row.keypair,
            docker_volume_size: row.docker_volume_size.map(|size| codec::number("a size", size)).transpose()?,
            labels: codec::from_json("labels", row.labels)?,
            master_flavor_id: row.master_flavor_id,
            flavor_id: row.flavor_id,
            create_timeout: row.create_timeout.map(|minutes| codec::number("minutes", minutes)).transpose()?,
            discovery_url: row.discovery_url,
            fixed_network: row.fixed_network,
            fixed_subnet: row.fixed_subnet,
            floating_ip_enabled: row.floating_ip_enabled,
            master_lb_enabled: row.master_lb_enabled,
            status: codec::word("a status", &row.status)?,
            status_reason: row.status_reason,
            health: row.health.map(|health| codec::word("a health", &health)).transpose()?,
            health_reason: codec::from_json("a health reason", row.health_reason)?,
            paused_at: codec::maybe_time(row.paused_at)?,
            infrastructure: row.infrastructure,
            stack_id: row.stack_id,
            api_address: row.api_address,
            coe_version: row.coe_version,
            container_version: row.container_version,
            created_at: codec::time(row.created_at)?,
            updated_at: codec::maybe_time(row.updated_at)?,
        })
    }
}
