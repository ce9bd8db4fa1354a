//! Nodes: their machines, their agents, and the tokens that agents enrol with.

use std::net::IpAddr;

use jeroboam_model::{Node, NodeGroup, NodePhase};
use jiff::Timestamp;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IdenStatic, Iterable, JsonValue, QueryFilter, QueryOrder,
    QuerySelect, Select,
};
use uuid::Uuid;

use crate::cluster::bump;
use crate::entity::{enrolment_token, node};
use crate::error::Doing;
use crate::scale::{Member, Newcomer};
use crate::{Event, Result, Store, StoreError, codec};

pub(crate) const WHAT: &str = "node";

impl Store {
    /// The cluster's nodes, including those that are to be removed, oldest first. Empty when there is no such cluster.
    ///
    /// # Errors
    /// On a database error.
    pub async fn nodes(&self, cluster: Uuid) -> Result<Vec<Node>> {
        of_clusters(self.reader(), vec![cluster.to_string()]).await?.into_iter().map(TryInto::try_into).collect()
    }

    /// The node with this id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn node(&self, uuid: Uuid) -> Result<Node> {
        one(self.reader(), uuid).await?.try_into()
    }

    /// Uses a token: binds it to the public key (SHA-256 in hex) of the agent that presents it. Of several agents with
    /// the same token one succeeds; it may retry with the same key, as the response may have been lost.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the token is not one of the node's, is bound to another key, or has expired.
    pub async fn enroll(&self, uuid: Uuid, token_hash: &str, key_hash: &str, now: Timestamp) -> Result<()> {
        let doing = "enrolling an agent";
        self.write(|transaction| async move {
            // No constant-time comparison is needed: hashes are compared, so timing reveals nothing about the token.
            let used = enrolment_token::Entity::update_many()
                .set(enrolment_token::ActiveModel { bound_to: Set(Some(key_hash.to_owned())), ..Default::default() })
                .filter(enrolment_token::Column::NodeUuid.eq(uuid.to_string()))
                .filter(enrolment_token::Column::TokenHash.eq(token_hash))
                .filter(enrolment_token::Column::ExpiresAt.gt(codec::micros(now)))
                .filter(
                    Condition::any()
                        .add(enrolment_token::Column::BoundTo.is_null())
                        .add(enrolment_token::Column::BoundTo.eq(key_hash)),
                )
                .exec(&transaction)
                .await
                .doing(doing)?;
            if used.rows_affected == 0 {
                return Err(StoreError::not_found("enrolment token of node", uuid));
            }
            let row = one(&transaction, uuid).await?;
            update(&transaction, uuid, node::ActiveModel { enrolled: Set(true), ..Default::default() }, doing).await?;
            self.commit(transaction, doing).await?;
            self.publish(Event::node(codec::uuid(&row.cluster_uuid)?, uuid));
            Ok(())
        })
        .await
    }
}

/// Changes a node's row as `decide` says for the present row. Returns the node's cluster, or `None` when nothing
/// changes.
pub(crate) async fn change(
    connection: &impl ConnectionTrait,
    uuid: Uuid,
    doing: &str,
    decide: impl FnOnce(&node::Model) -> Option<Changed> + Send,
) -> Result<Option<Uuid>> {
    let before = locked(connection, uuid).await?;
    let Some(Changed { row, for_agents }) = decide(&before) else { return Ok(None) };
    let cluster = codec::uuid(&before.cluster_uuid)?;
    if for_agents {
        bump(connection, cluster).await?;
    }
    update(connection, uuid, row, doing).await?;
    Ok(Some(cluster))
}

/// The node's cluster.
#[cfg(any(test, feature = "fixtures"))]
pub(crate) async fn cluster_of(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<Uuid> {
    codec::uuid(&one(connection, uuid).await?.cluster_uuid)
}

/// Stores the node's machine and address; `None`: not known yet. Returns whether anything changed.
pub(crate) async fn set_machine(
    connection: &impl ConnectionTrait,
    uuid: Uuid,
    machine_id: &str,
    address: Option<IpAddr>,
) -> Result<bool> {
    let address = address.map(|address| address.to_string());
    let changed = change(connection, uuid, "storing a node's machine", |row| {
        let same = row.machine_id.as_deref() == Some(machine_id) && row.address == address;
        let told = row.address != address;
        (!same).then(|| Changed {
            row: node::ActiveModel {
                machine_id: Set(Some(machine_id.to_owned())),
                address: Set(address),
                ..Default::default()
            },
            for_agents: told,
        })
    });
    Ok(changed.await?.is_some())
}

/// The node's machine restarts: the last report of its agent is void.
pub(crate) async fn forget_report(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<()> {
    let changed = change(connection, uuid, "clearing an agent's report", |_| {
        let row = node::ActiveModel {
            report: Set(None),
            reported_at: Set(None),
            silent_since: Set(None),
            ..Default::default()
        };
        Some(Changed { for_agents: false, row })
    });
    changed.await.map(|_| ())
}

/// Clears a node's machine, address and last report, because it gets a new machine with a new disk. Tokens stay valid.
/// With `loses_state` the old disk had the only copy of the cluster's state, which is given up.
pub(crate) async fn begin_anew(connection: &impl ConnectionTrait, uuid: Uuid, loses_state: bool) -> Result<()> {
    let changed = change(connection, uuid, "clearing a node's machine", |row| {
        Some(Changed {
            for_agents: row.address.is_some(),
            row: node::ActiveModel {
                machine_id: Set(None),
                address: Set(None),
                report: Set(None),
                reported_at: Set(None),
                silent_since: Set(None),
                enrolled: Set(false),
                joined_at: if loses_state { Set(None) } else { NotSet },
                replace_machine: Set(None),
                ..Default::default()
            },
        })
    });
    changed.await.map(|_| ())
}

/// Marks the node's machine for replacement with its disk, if it is still this one.
pub(crate) async fn replace_machine(connection: &impl ConnectionTrait, uuid: Uuid, machine_id: &str) -> Result<()> {
    let changed = change(connection, uuid, "marking a machine for replacement", |_| {
        let row = node::ActiveModel { replace_machine: Set(Some(machine_id.to_owned())), ..Default::default() };
        Some(Changed { for_agents: false, row })
    });
    changed.await.map(|_| ())
}

/// Asks the cluster's nodes that are not up to retry: their agents start over, also those that gave up. Nodes that were
/// never up and whose agents were never heard get other machines: the token or the agent of theirs may be unusable.
pub(crate) async fn try_again(connection: &impl ConnectionTrait, cluster: Uuid) -> Result<()> {
    let not_up = |row: &node::Model| {
        let phase = row.report.as_ref().and_then(|report| report.get("phase")).and_then(|phase| phase.as_str());
        phase.is_some_and(|phase| phase != NodePhase::Up.to_string())
    };
    let rows = of_clusters(connection, vec![cluster.to_string()]).await?;
    for row in rows.iter().filter(|row| row.joined_at.is_none() && row.report.is_none()) {
        let Some(machine) = &row.machine_id else { continue };
        replace_machine(connection, codec::uuid(&row.uuid)?, machine).await?;
    }
    let not_up: Vec<String> = rows.into_iter().filter(not_up).map(|row| row.uuid).collect();
    begin_again(connection, cluster, not_up).await
}

/// Asks all nodes of the cluster except this one to start over.
pub(crate) async fn begin_others_again(connection: &impl ConnectionTrait, cluster: Uuid, but: Uuid) -> Result<()> {
    let rows = of_clusters(connection, vec![cluster.to_string()]).await?;
    let others = rows.into_iter().map(|row| row.uuid).filter(|uuid| *uuid != but.to_string());
    begin_again(connection, cluster, others.collect()).await
}

/// Asks these nodes of a cluster to start over: their agents restart all components.
pub(crate) async fn begin_again(connection: &impl ConnectionTrait, cluster: Uuid, nodes: Vec<String>) -> Result<()> {
    if nodes.is_empty() {
        return Ok(());
    }
    bump(connection, cluster).await?;
    let revision = crate::cluster::one(connection, cluster).await?.revision;
    node::Entity::update_many()
        .col_expr(node::Column::Attempt, Expr::value(revision))
        .filter(node::Column::Uuid.is_in(nodes))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("asking nodes to start over")
}

/// Issues a one-time token: stores the hash (SHA-256 in hex) of a token that is valid until `expires`.
///
/// Earlier tokens stay valid until they expire: with two machines, one of them already being removed, it is not known
/// here which one uses which token, and a machine whose token was revoked would wait for ever.
pub(crate) async fn issue_token(
    connection: &impl ConnectionTrait,
    uuid: Uuid,
    token_hash: &str,
    expires: Timestamp,
) -> Result<()> {
    one(connection, uuid).await?;
    enrolment_token::Entity::delete_many()
        .filter(enrolment_token::Column::NodeUuid.eq(uuid.to_string()))
        .filter(enrolment_token::Column::ExpiresAt.lte(codec::micros(Timestamp::now())))
        .exec(connection)
        .await
        .doing("deleting expired tokens")?;
    enrolment_token::Entity::insert(enrolment_token::ActiveModel {
        id: NotSet,
        node_uuid: Set(uuid.to_string()),
        token_hash: Set(token_hash.to_owned()),
        expires_at: Set(codec::micros(expires)),
        bound_to: Set(None),
    })
    .exec_without_returning(connection)
    .await
    .map(|_| ())
    .doing("issuing a token")
}

/// Deletes the node. No error when it does not exist.
pub(crate) async fn remove(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<()> {
    match one(connection, uuid).await {
        Ok(row) => bump(connection, codec::uuid(&row.cluster_uuid)?).await?,
        Err(StoreError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    }
    delete(connection, vec![uuid.to_string()]).await
}

/// How a node's row changes.
pub(crate) struct Changed {
    /// Only the columns that change are set.
    pub(crate) row: node::ActiveModel,
    /// Whether the agents of other nodes must learn about it.
    pub(crate) for_agents: bool,
}

async fn update(connection: &impl ConnectionTrait, uuid: Uuid, row: node::ActiveModel, doing: &str) -> Result<()> {
    node::Entity::update_many()
        .set(row)
        .filter(node::Column::Uuid.eq(uuid.to_string()))
        .exec(connection)
        .await
        .map(|_| ())
        .doing(doing)
}

async fn one(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<node::Model> {
    row(connection, of(uuid), uuid).await
}

/// The node's row, locked until the transaction ends.
async fn locked(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<node::Model> {
    row(connection, of(uuid).lock_exclusive(), uuid).await
}

fn of(uuid: Uuid) -> Select<node::Entity> {
    node::Entity::find().filter(node::Column::Uuid.eq(uuid.to_string()))
}

async fn row(connection: &impl ConnectionTrait, select: Select<node::Entity>, uuid: Uuid) -> Result<node::Model> {
    select.one(connection).await.doing("reading a node")?.ok_or_else(|| StoreError::not_found(WHAT, uuid))
}

/// The nodes of some clusters, oldest first.
pub(crate) async fn of_clusters(connection: &impl ConnectionTrait, clusters: Vec<String>) -> Result<Vec<node::Model>> {
    node::Entity::find()
        .filter(node::Column::ClusterUuid.is_in(clusters))
        .order_by_asc(node::Column::Id)
        .all(connection)
        .await
        .doing("reading nodes")
}

/// The nodes of some clusters without what their agents report, oldest first.
pub(crate) async fn of_clusters_without_reports(
    connection: &impl ConnectionTrait,
    clusters: Vec<String>,
) -> Result<Vec<node::Model>> {
    node::Entity::find()
        .select_only()
        .columns(node::Column::iter().filter(|column| !matches!(column, node::Column::Report)))
        .expr_as(Expr::value(None::<JsonValue>), node::Column::Report.as_str())
        .filter(node::Column::ClusterUuid.is_in(clusters))
        .order_by_asc(node::Column::Id)
        .all(connection)
        .await
        .doing("reading nodes")
}

/// A new node with its group and its target.
pub(crate) struct Arrival<'a> {
    pub(crate) group: &'a NodeGroup,
    pub(crate) target: JsonValue,
    /// The node's id, if it exists already and its disk may hold the only copy of some data.
    pub(crate) found: Option<Uuid>,
    pub(crate) node: Newcomer,
}

/// Inserts new nodes.
pub(crate) async fn insert(
    connection: &impl ConnectionTrait,
    arrivals: impl IntoIterator<Item = Arrival<'_>>,
    now: i64,
) -> Result<()> {
    let rows: Vec<_> = arrivals
        .into_iter()
        .map(|Arrival { group, target, node, found }| node::ActiveModel {
            id: NotSet,
            uuid: Set(found.unwrap_or_else(Uuid::new_v4).to_string()),
            cluster_uuid: Set(group.cluster.to_string()),
            node_group_uuid: Set(group.uuid.to_string()),
            name: Set(node.name),
            number: Set(node.number.into()),
            role: Set(group.role.to_string()),
            slot: Set(node.slot.into()),
            wanted: Set(true),
            target: Set(Some(target)),
            machine_id: Set(None),
            address: Set(None),
            report: Set(None),
            reported_at: Set(None),
            silent_since: Set(None),
            enrolled: Set(false),
            joined_at: Set(found.map(|_| now)),
            replace_machine: Set(None),
            attempt: Set(0),
            created_at: Set(now),
        })
        .collect();
    for rows in rows.chunks(codec::ROWS_AT_ONCE) {
        node::Entity::insert_many(rows.to_vec()).exec_without_returning(connection).await.doing("creating nodes")?;
    }
    Ok(())
}

/// Marks the nodes for removal.
pub(crate) async fn dismiss(connection: &impl ConnectionTrait, nodes: &[Uuid]) -> Result<()> {
    if nodes.is_empty() {
        return Ok(());
    }
    node::Entity::update_many()
        .col_expr(node::Column::Wanted, Expr::value(false))
        .filter(node::Column::Uuid.is_in(nodes.iter().map(ToString::to_string)))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("marking nodes for removal")
}

/// Deletes nodes and their tokens.
pub(crate) async fn delete(connection: &impl ConnectionTrait, nodes: Vec<String>) -> Result<()> {
    enrolment_token::Entity::delete_many()
        .filter(enrolment_token::Column::NodeUuid.is_in(nodes.clone()))
        .exec(connection)
        .await
        .doing("deleting tokens")?;
    node::Entity::delete_many()
        .filter(Condition::all().add(node::Column::Uuid.is_in(nodes)))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("deleting nodes")
}

fn without_target() -> StoreError {
    StoreError::Database("a node has no target".to_owned())
}

impl TryFrom<&node::Model> for Member {
    type Error = StoreError;

    fn try_from(row: &node::Model) -> Result<Self> {
        Ok(Self {
            uuid: codec::uuid(&row.uuid)?,
            group: codec::uuid(&row.node_group_uuid)?,
            name: row.name.clone(),
            number: codec::number("a node's number", row.number)?,
            slot: codec::number("a slot", row.slot)?,
            wanted: row.wanted,
        })
    }
}

impl TryFrom<node::Model> for Node {
    type Error = StoreError;

    fn try_from(row: node::Model) -> Result<Self> {
        Ok(Self {
            uuid: codec::uuid(&row.uuid)?,
            cluster: codec::uuid(&row.cluster_uuid)?,
            node_group: codec::uuid(&row.node_group_uuid)?,
            name: row.name,
            role: codec::word("a role", &row.role)?,
            slot: codec::number("a slot", row.slot)?,
            wanted: row.wanted,
            target: codec::maybe_from_json("a target", row.target)?.ok_or_else(without_target)?,
            machine_id: row.machine_id,
            address: row.address.map(|address| codec::word("an address", &address)).transpose()?,
            report: codec::maybe_from_json("a report", row.report)?,
            reported_at: codec::maybe_time(row.reported_at)?,
            silent_since: codec::maybe_time(row.silent_since)?,
            enrolled: row.enrolled,
            joined_at: codec::maybe_time(row.joined_at)?,
            replace_machine: row.replace_machine,
            attempt: codec::number("an attempt", row.attempt)?,
            created_at: codec::time(row.created_at)?,
        })
    }
}
