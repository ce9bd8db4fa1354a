//! Reports and heartbeats of agents, and silent agents.
//!
//! An agent sends a heartbeat every other second. The server that receives it keeps that in memory. This module stores
//! only what is news: a changed report, the start and end of a silence, and from time to time that the last report
//! still holds, which tells other servers that the node is heard.

use std::collections::HashMap;

use jeroboam_model::node::SILENT_AFTER;
use jeroboam_model::{NodePhase, Report};
use jiff::{SignedDuration, Timestamp};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::entity::node;
use crate::error::Doing;
use crate::node::{Changed, WHAT, change};
use crate::{Event, Result, Store, StoreError, codec};

/// How often an unchanged report is stored again: as often as agents report anyway.
const WRITTEN_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Most nodes in one statement.
const PIECE: usize = 500;

/// Result of marking a node as silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// It is marked from now on, and was not before.
    Noticed,
    /// It was marked already, or the node was deleted or has another machine, which was not heard yet.
    NoNews,
    /// Another server has heard the node since, at this time.
    HeardAt(Timestamp),
}

impl Store {
    /// Stores a report of the node's agent. Sends an event when it differs from the last one, or when the node was
    /// silent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn record_report(&self, uuid: Uuid, report: &Report, now: Timestamp) -> Result<()> {
        let doing = "storing an agent's report";
        let is_up = report.phase == NodePhase::Up;
        let report = codec::json("a report", report)?;
        let at = codec::micros(now);
        let report = &report;
        self.write(|transaction| async move {
            let mut is_news = true;
            let changed = change(&transaction, uuid, doing, |before| {
                let is_same = before.report.as_ref() == Some(report);
                let reported_at = codec::maybe_time(before.reported_at).ok().flatten();
                let joins = is_up && before.joined_at.is_none();
                is_news = !is_same || was_silent(reported_at, before.silent_since.is_some(), now);
                Some(Changed {
                    row: node::ActiveModel {
                        report: if is_same { NotSet } else { Set(Some(report.clone())) },
                        reported_at: Set(Some(at)),
                        silent_since: Set(None),
                        joined_at: if joins { Set(Some(at)) } else { NotSet },
                        // A retry asked for another machine, and this one came up after all: it has the node's state
                        // now.
                        replace_machine: if joins { Set(None) } else { NotSet },
                        ..Default::default()
                    },
                    for_agents: false,
                })
            });
            let cluster = changed.await?;
            self.commit(transaction, doing).await?;
            if let Some(cluster) = cluster.filter(|_| is_news) {
                self.publish(Event::node(cluster, uuid));
            }
            Ok(())
        })
        .await
    }

    /// Records a heartbeat of the node's agent, which means that its last report still holds. Writes only when the node
    /// was marked as silent, when the last write was ten seconds ago, or when the last write was another server's;
    /// `own` is the time that the caller wrote last. Returns the time that is stored; `None` when there is no report.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn record_heartbeat(
        &self,
        uuid: Uuid,
        own: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let doing = "storing an agent's heartbeat";
        let known = pulse(self.reader(), uuid).await?;
        let Some(reported_at) = known.reported_at else { return Ok(None) };
        let is_own = own.map(codec::micros) == Some(codec::micros(reported_at));
        if is_own && !known.is_silent && now.duration_since(reported_at) < WRITTEN_EVERY {
            return Ok(own);
        }
        self.write(|transaction| async move {
            let at = codec::micros(now);
            let mut was_noticed = false;
            let changed = change(&transaction, uuid, doing, |before| {
                // Its machine may have been restarted concurrently: then the report is void.
                let reported_at = codec::maybe_time(before.reported_at).ok().flatten()?;
                was_noticed = was_silent(Some(reported_at), before.silent_since.is_some(), now);
                let row =
                    node::ActiveModel { reported_at: Set(Some(at)), silent_since: Set(None), ..Default::default() };
                Some(Changed { row, for_agents: false })
            });
            let Some(cluster) = changed.await? else { return Ok(None) };
            self.commit(transaction, doing).await?;
            if was_noticed {
                self.publish(Event::node(cluster, uuid));
            }
            codec::time(at).map(Some)
        })
        .await
    }

    /// Records heartbeats of all these nodes' agents, without events. Returns the nodes whose agents have to send a
    /// report, as they have none or are marked as silent. Deleted nodes are left out.
    ///
    /// # Errors
    /// On a database error.
    pub async fn record_lives(&self, uuids: &[Uuid], now: Timestamp) -> Result<Vec<Uuid>> {
        let doing = "storing agents' heartbeats";
        self.write(|transaction| async move {
            let mut without = Vec::new();
            for piece in uuids.chunks(PIECE) {
                let kept = node::Entity::update_many()
                    .set(node::ActiveModel { reported_at: Set(Some(codec::micros(now))), ..Default::default() })
                    .filter(node::Column::Uuid.is_in(piece.iter().map(Uuid::to_string)))
                    .filter(node::Column::ReportedAt.is_not_null())
                    .filter(node::Column::SilentSince.is_null())
                    .exec(&transaction)
                    .await
                    .doing(doing)?;
                if kept.rows_affected < u64::try_from(piece.len()).unwrap_or(u64::MAX) {
                    let known = pulses(&transaction, piece.iter().copied()).await?;
                    let has_to_report = |pulse: &Pulse| pulse.is_silent || pulse.reported_at.is_none();
                    without.extend(known.iter().filter(|(_, pulse)| has_to_report(pulse)).map(|(uuid, _)| *uuid));
                }
            }
            self.commit(transaction, doing).await?;
            Ok(without)
        })
        .await
    }

    /// Marks nodes as silent, each with the time at which it was last heard, unless another server has heard it since.
    /// All in one transaction, so the list should be short. Returns the results in the same order. Sends an event for
    /// each node that was not marked before.
    ///
    /// # Errors
    /// On a database error.
    pub async fn mark_silent(&self, last_words: &[(Uuid, Timestamp)]) -> Result<Vec<Silence>> {
        let doing = "marking agents as silent";
        self.write(|transaction| async move {
            let mut marked = Vec::with_capacity(last_words.len());
            for (uuid, last_heard) in last_words {
                marked.push(mark(&transaction, *uuid, *last_heard).await.doing(doing)?);
            }
            let known = pulses(&transaction, last_words.iter().map(|(uuid, _)| *uuid)).await?;
            self.commit_beside(transaction, doing).await?;
            let outcome = |((uuid, _), is_marked): (&(Uuid, Timestamp), bool)| match known.get(uuid) {
                Some(now) if is_marked => {
                    self.publish(Event::node(now.cluster, *uuid));
                    Silence::Noticed
                }
                Some(Pulse { reported_at: Some(at), is_silent: false, .. }) => Silence::HeardAt(*at),
                _ => Silence::NoNews,
            };
            Ok(last_words.iter().zip(marked).map(outcome).collect())
        })
        .await
    }

    /// The nodes that were heard and are not marked as silent, with the time of the last write. For a server that
    /// starts to watch them.
    ///
    /// # Errors
    /// On a database error.
    pub async fn heard_nodes(&self) -> Result<Vec<(Uuid, Timestamp)>> {
        let rows: Vec<(String, i64)> = node::Entity::find()
            .select_only()
            .columns([node::Column::Uuid, node::Column::ReportedAt])
            .filter(node::Column::ReportedAt.is_not_null())
            .filter(node::Column::SilentSince.is_null())
            .into_tuple()
            .all(self.reader())
            .await
            .doing("reading which nodes are heard")?;
        rows.into_iter().map(|(uuid, at)| Ok((codec::uuid(&uuid)?, codec::time(at)?))).collect()
    }
}

/// The columns of a node about its agent's heartbeats.
struct Pulse {
    cluster: Uuid,
    reported_at: Option<Timestamp>,
    /// Whether it is marked as silent.
    is_silent: bool,
}

/// The node's id, and the columns of a [`Pulse`].
type PulseRow = (String, String, Option<i64>, Option<i64>);

async fn pulse(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<Pulse> {
    pulses(connection, [uuid]).await?.remove(&uuid).ok_or_else(|| StoreError::not_found(WHAT, uuid))
}

/// The pulses of those nodes that exist.
async fn pulses(
    connection: &impl ConnectionTrait,
    uuids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Pulse>> {
    use node::Column as C;
    let rows: Vec<PulseRow> = node::Entity::find()
        .select_only()
        .columns([C::Uuid, C::ClusterUuid, C::ReportedAt, C::SilentSince])
        .filter(C::Uuid.is_in(uuids.into_iter().map(|uuid| uuid.to_string())))
        .into_tuple()
        .all(connection)
        .await
        .doing("reading when nodes were heard")?;
    let pulse = |(uuid, cluster, reported_at, silent_since): PulseRow| {
        let pulse = Pulse {
            cluster: codec::uuid(&cluster)?,
            reported_at: codec::maybe_time(reported_at)?,
            is_silent: silent_since.is_some(),
        };
        Ok((codec::uuid(&uuid)?, pulse))
    };
    rows.into_iter().map(pulse).collect()
}

/// Marks a node as silent. Condition and write are one statement, so there is no race.
async fn mark(
    connection: &impl ConnectionTrait,
    uuid: Uuid,
    last_heard: Timestamp,
) -> std::result::Result<bool, sea_orm::DbErr> {
    let at = codec::micros(last_heard);
    let marked = node::Entity::update_many()
        .set(node::ActiveModel { silent_since: Set(Some(at)), ..Default::default() })
        .filter(node::Column::Uuid.eq(uuid.to_string()))
        .filter(node::Column::SilentSince.is_null())
        .filter(node::Column::ReportedAt.lte(at))
        .exec(connection)
        .await?;
    Ok(marked.rows_affected > 0)
}

/// Whether a node counted as silent at this time: see [`jeroboam_model::Node::is_silent`].
fn was_silent(reported_at: Option<Timestamp>, was_noticed: bool, now: Timestamp) -> bool {
    was_noticed || reported_at.is_none_or(|at| now.duration_since(at) > SILENT_AFTER)
}
