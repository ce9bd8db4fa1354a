//! Notifications about operations and certificates. They are stored in the transaction that starts or finishes an
//! operation, or records a certificate, until they are delivered. A message bus that is down loses nothing and blocks
//! nothing.
//!
//! None are stored unless [they are enabled](Store::want_notifications).

use jeroboam_model::{NodeRole, OperationKind, Status};
use jiff::Timestamp;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::counter::{self, Counter};
use crate::entity::{cluster as cluster_entity, notification, operation};
use crate::error::Doing;
use crate::{ClusterId, ClusterRecord, Event, IssuedCertificate, NewOperation, Result, Store, cluster, codec, dry_run};

/// Most undelivered notifications. Each has some kilobytes; beyond that the oldest are dropped, so that a bus that
/// never comes back does not fill the disk.
pub const MAX_WAITING: i64 = 10_000;

/// Progress of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Stage {
    /// It was accepted.
    Pending,
    /// It succeeded.
    Success,
    /// It failed, was cancelled, or was refused because of its cluster's status.
    Failure,
}

/// What the notification is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Deed {
    /// An operation on the cluster.
    Operation(OperationKind),
    /// One of the cluster's authorities signed a certificate request.
    Certificate(CertificateFigure),
}

/// A certificate as shown in notifications. Magnum sends no such notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the same as in IssuedCertificate")]
pub struct CertificateFigure {
    pub authority: String,
    pub serial: String,
    pub subject: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Id; the same for repeated deliveries.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// What was done. Serialized as `kind`, its name from when all notifications were about operations.
    #[serde(rename = "kind")]
    pub deed: Deed,
    /// Its progress.
    pub stage: Stage,
    /// Id of the request.
    pub request_id: String,
    /// User who made the request.
    pub user_id: String,
    /// The cluster's project.
    pub project_id: String,
    /// The cluster at that time.
    pub cluster: ClusterFigure,
}

/// A cluster as shown in notifications (contract magnum-v1 section 8.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the same as in jeroboam_model::Cluster")]
pub struct ClusterFigure {
    pub uuid: Uuid,
    pub name: String,
    pub status: Status,
    pub status_reason: Option<String>,
    pub project_id: String,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
    pub template: Uuid,
    pub keypair: Option<String>,
    pub docker_volume_size: Option<u32>,
    pub labels: jeroboam_model::Labels,
    pub master_flavor_id: Option<String>,
    pub flavor_id: Option<String>,
    pub stack_id: Option<String>,
    pub health: Option<String>,
    pub create_timeout: Option<u32>,
    pub api_address: Option<String>,
    pub discovery_url: Option<String>,
    pub node_addresses: Vec<String>,
    pub master_addresses: Vec<String>,
    pub node_count: u32,
    pub master_count: u32,
}

impl From<ClusterRecord> for ClusterFigure {
    fn from(record: ClusterRecord) -> Self {
        let addresses = |is_master: bool| {
            let nodes = record.nodes.iter().filter(|node| (node.role == NodeRole::Master) == is_master);
            nodes.filter_map(|node| node.address).map(|address| address.to_string()).collect()
        };
        let count = |is_master: bool| {
            let groups = record.groups.iter().filter(|group| (group.role == NodeRole::Master) == is_master);
            groups.map(|group| group.node_count).sum()
        };
        let (node_addresses, master_addresses) = (addresses(false), addresses(true));
        let (node_count, master_count) = (count(false), count(true));
        let cluster = record.cluster;
        Self {
            uuid: cluster.uuid,
            name: cluster.name,
            status: cluster.status,
            status_reason: cluster.status_reason,
            project_id: cluster.project_id,
            created_at: cluster.created_at,
            updated_at: cluster.updated_at,
            template: cluster.template,
            keypair: cluster.keypair,
            docker_volume_size: cluster.docker_volume_size,
            labels: cluster.labels,
            master_flavor_id: cluster.master_flavor_id,
            flavor_id: cluster.flavor_id,
            stack_id: cluster.stack_id,
            health: cluster.health.map(|health| health.to_string()),
            create_timeout: cluster.create_timeout,
            api_address: cluster.api_address,
            discovery_url: cluster.discovery_url,
            node_addresses,
            master_addresses,
            node_count,
            master_count,
        }
    }
}

impl Store {
    /// Enables or disables notifications. Disabling drops the undelivered ones, as no process will deliver them.
    ///
    /// # Errors
    /// On a database error.
    pub async fn want_notifications(&self, wanted: bool) -> Result<()> {
        self.write(|transaction| async move {
            if (counter::get(&transaction, Counter::NotificationsWanted).await? > 0) == wanted {
                return Ok(());
            }
            counter::set(&transaction, Counter::NotificationsWanted, wanted.into()).await?;
            if !wanted {
                notification::Entity::delete_many().exec(&transaction).await.doing("dropping notifications")?;
            }
            self.commit(transaction, "switching notifications").await
        })
        .await
    }

    /// Stores a notification that an operation was refused because of its cluster's status (contract magnum-v1 section
    /// 8.1). It has its own transaction, as the one that refuses writes nothing.
    ///
    /// # Errors
    /// On a database error.
    pub async fn note_refusal(&self, cluster: ClusterId, refused: &NewOperation) -> Result<()> {
        let cluster = cluster.uuid();
        // Notifications are mostly disabled; then do not queue behind the writers.
        if dry_run::is_on() || counter::get(self.reader(), Counter::NotificationsWanted).await? == 0 {
            return Ok(());
        }
        self.write_beside(|transaction| async move {
            let Some(figure) = figure(&transaction, &cluster.to_string()).await? else { return Ok(()) };
            let by = (refused.request_id.as_str(), refused.user_id.as_str());
            keep(&transaction, Deed::Operation(refused.kind), Stage::Failure, by, figure).await?;
            self.commit_beside(transaction, "storing a notification").await?;
            self.publish(Event::cluster(cluster));
            Ok(())
        })
        .await
    }

    /// The oldest undelivered notifications, each with its number for [`Store::delivered`]. Numbers ascend; a missing
    /// one was dropped or never written.
    ///
    /// # Errors
    /// On a database error.
    pub async fn waiting_notifications(&self, limit: u64) -> Result<Vec<(i64, Notification)>> {
        notification::Entity::find()
            .order_by_asc(notification::Column::Id)
            .limit(limit)
            .all(self.reader())
            .await
            .doing("reading notifications")?
            .into_iter()
            .map(|row| Ok((row.id, codec::from_json("a notification", row.content)?)))
            .collect()
    }

    /// Deletes the notifications up to this number: they have been delivered.
    ///
    /// # Errors
    /// On a database error.
    pub async fn delivered(&self, number: i64) -> Result<()> {
        self.write(|transaction| async move {
            forget(&transaction, number).await?;
            self.commit(transaction, "deleting notifications").await
        })
        .await
    }
}

/// Stores a notification about an operation and its cluster, if notifications are enabled. Call it in the transaction
/// that changes them; in one that deletes the cluster, before the deletion.
pub(crate) async fn note(connection: &impl ConnectionTrait, row: &operation::Model, stage: Stage) -> Result<()> {
    let kind: OperationKind = codec::word("a kind", &row.kind)?;
    // A repair is not requested by Magnum's users and leaves the cluster's status alone: consumers of Magnum's events
    // do not know it.
    if kind == OperationKind::Repair {
        return Ok(());
    }
    // An operation may outlive its cluster; its last notification has been stored before.
    let Some(mut cluster) = figure(connection, &row.cluster_uuid).await? else { return Ok(()) };
    if stage == Stage::Success && kind == OperationKind::Delete {
        cluster.status = Status::DeleteComplete;
    }
    keep(connection, Deed::Operation(kind), stage, (&row.request_id, &row.user_id), cluster).await
}

/// Stores a notification about a certificate, if notifications are enabled. Call it in the transaction that records it.
pub(crate) async fn note_certificate(connection: &impl ConnectionTrait, issued: &IssuedCertificate) -> Result<()> {
    let Some(cluster) = figure(connection, &issued.cluster.to_string()).await? else { return Ok(()) };
    let certificate = CertificateFigure {
        authority: issued.authority.clone(),
        serial: issued.serial.clone(),
        subject: issued.subject.clone(),
        created_at: issued.created_at,
        expires_at: issued.expires_at,
    };
    let by = (issued.request_id.as_str(), issued.user_id.as_str());
    keep(connection, Deed::Certificate(certificate), Stage::Success, by, cluster).await
}

/// The cluster as it is now; `None` also when notifications are disabled.
async fn figure(connection: &impl ConnectionTrait, cluster: &str) -> Result<Option<ClusterFigure>> {
    if counter::get(connection, Counter::NotificationsWanted).await? == 0 {
        return Ok(None);
    }
    let found = cluster_entity::Entity::find()
        .filter(cluster_entity::Column::Uuid.eq(cluster))
        .one(connection)
        .await
        .doing("reading a cluster")?;
    let Some(found) = found else { return Ok(None) };
    Ok(cluster::records(connection, vec![found]).await?.pop().map(ClusterFigure::from))
}

async fn keep(
    connection: &impl ConnectionTrait,
    deed: Deed,
    stage: Stage,
    (request_id, user_id): (&str, &str),
    cluster: ClusterFigure,
) -> Result<()> {
    let now = Timestamp::now();
    let content = Notification {
        id: Uuid::new_v4(),
        at: now,
        deed,
        stage,
        request_id: request_id.to_owned(),
        user_id: user_id.to_owned(),
        // Operations belong to their cluster's project, and so do certificates.
        project_id: cluster.project_id.clone(),
        cluster,
    };
    // Numbers must be visible in ascending order, as delivery deletes all up to the last one that it has seen: only one
    // transaction at a time has uncommitted ones.
    counter::lock(connection, Counter::NotificationsWanted).await?;
    let inserted = notification::Entity::insert(notification::ActiveModel {
        id: NotSet,
        content: Set(codec::json("a notification", &content)?),
        created_at: Set(codec::micros(now)),
    })
    .exec(connection)
    .await
    .doing("storing a notification")?;
    forget(connection, inserted.last_insert_id.saturating_sub(MAX_WAITING)).await
}

async fn forget(connection: &impl ConnectionTrait, number: i64) -> Result<()> {
    notification::Entity::delete_many()
        .filter(notification::Column::Id.lte(number))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("deleting notifications")
}
