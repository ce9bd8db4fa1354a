//! What agents say, and that they say nothing any more.
//!
//! An agent says every other second that it lives. Whoever hears it keeps that in memory; here is written what is news:
//! another report, a silence that was noticed and its end, and now and then that the last report still holds, by which
//! others can tell that somebody hears the node.

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

/// How often it is written down that a node is heard while nothing changes: as often as agents report in any case.
const WRITTEN_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Most nodes that one statement names.
const PIECE: usize = 500;

/// What came of writing down that a node is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// It is known from now on, and was not before.
    Noticed,
    /// It was known already, or the node is gone or has another machine, of which nothing was heard yet.
    NoNews,
    /// Somebody else has heard the node since, at this time.
    HeardAt(Timestamp),
}

impl Store {
    /// Keeps what the node's agent says. An event goes out when it is another thing than before, or the node was silent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn record_report(&self, uuid: Uuid, report: &Report, now: Timestamp) -> Result<()> {
        let doing = "keeping an agent's report";
        let is_up = report.phase == NodePhase::Up;
        let report = codec::json("a report", report)?;
        let at = codec::micros(now);
        let mut is_news = true;
        let transaction = self.begin().await?;
        let changed = change(&transaction, uuid, doing, |before| {
            let is_same = before.report.as_ref() == Some(&report);
            let reported_at = codec::maybe_time(before.reported_at).ok().flatten();
            is_news = !is_same || was_silent(reported_at, before.silent_since.is_some(), now);
            Some(Changed {
                row: node::ActiveModel {
                    report: if is_same { NotSet } else { Set(Some(report)) },
                    reported_at: Set(Some(at)),
                    silent_since: Set(None),
                    joined_at: if is_up && before.joined_at.is_none() { Set(Some(at)) } else { NotSet },
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
    }

    /// Keeps that the node's agent lives and its report still holds: when its silence had been noticed, when that was
    /// written down for the last time ten seconds ago, or when that was not done by the one who hears it now.
    /// `own` is what the latter wrote down last. Gives what is written down then; `None` when there is no report.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn record_heartbeat(
        &self,
        uuid: Uuid,
        own: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let doing = "keeping an agent's heartbeat";
        let known = pulse(self.reader(), uuid).await?;
        let Some(reported_at) = known.reported_at else { return Ok(None) };
        let is_own = own.map(codec::micros) == Some(codec::micros(reported_at));
        if is_own && !known.is_silent && now.duration_since(reported_at) < WRITTEN_EVERY {
            return Ok(own);
        }
        let transaction = self.begin().await?;
        let at = codec::micros(now);
        let mut was_noticed = false;
        let changed = change(&transaction, uuid, doing, |before| {
            // Its machine may have been started again meanwhile: then the report is void.
            let reported_at = codec::maybe_time(before.reported_at).ok().flatten()?;
            was_noticed = was_silent(Some(reported_at), before.silent_since.is_some(), now);
            let row = node::ActiveModel { reported_at: Set(Some(at)), silent_since: Set(None), ..Default::default() };
            Some(Changed { row, for_agents: false })
        });
        let Some(cluster) = changed.await? else { return Ok(None) };
        self.commit(transaction, doing).await?;
        if was_noticed {
            self.publish(Event::node(cluster, uuid));
        }
        codec::time(at).map(Some)
    }

    /// Keeps that the agents of all these nodes live and their reports still hold; no news to anybody. Gives those of
    /// which that cannot be kept: of which there is no report, or which are known to be silent; they have to report. Nodes
    /// that are gone are left out.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record_lives(&self, uuids: &[Uuid], now: Timestamp) -> Result<Vec<Uuid>> {
        let doing = "keeping that agents live";
        let mut without = Vec::new();
        let transaction = self.begin().await?;
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
    }

    /// Writes down that nodes are silent, each of which was last heard at the time beside it, unless somebody has heard
    /// it since; all at once, so not too many. What came of each, in the same order. An event goes out for each of
    /// which that is news.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mark_silent(&self, last_words: &[(Uuid, Timestamp)]) -> Result<Vec<Silence>> {
        let doing = "noting that agents are silent";
        let transaction = self.begin().await?;
        let mut marked = Vec::with_capacity(last_words.len());
        for (uuid, last_heard) in last_words {
            marked.push(mark(&transaction, *uuid, *last_heard).await.doing(doing)?);
        }
        let known = pulses(&transaction, last_words.iter().map(|(uuid, _)| *uuid)).await?;
        transaction.commit().await.doing(doing)?;
        let outcome = |((uuid, _), is_marked): (&(Uuid, Timestamp), bool)| match known.get(uuid) {
            Some(now) if is_marked => {
                self.publish(Event::node(now.cluster, *uuid));
                Silence::Noticed
            }
            Some(Pulse { reported_at: Some(at), is_silent: false, .. }) => Silence::HeardAt(*at),
            _ => Silence::NoNews,
        };
        Ok(last_words.iter().zip(marked).map(outcome).collect())
    }

    /// The nodes that were heard and are not known to be silent, and when that was written down last. For who begins to
    /// listen.
    ///
    /// # Errors
    /// When the database refuses.
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

/// What a node's row says of its agent's life.
struct Pulse {
    cluster: Uuid,
    reported_at: Option<Timestamp>,
    /// Whether its silence was noticed.
    is_silent: bool,
}

/// A row with what a [`Pulse`] is made of, and the node's id before it.
type PulseRow = (String, String, Option<i64>, Option<i64>);

async fn pulse(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<Pulse> {
    pulses(connection, [uuid]).await?.remove(&uuid).ok_or_else(|| StoreError::not_found(WHAT, uuid))
}

/// Those of the nodes that are there.
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

/// Writes down that a node is silent. What that goes by and what it writes are one statement: nobody comes in between.
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
