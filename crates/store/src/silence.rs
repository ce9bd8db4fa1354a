//! What agents say, and that they say nothing any more.
//!
//! An agent says every other second that it lives. Whoever hears it keeps that in memory; here is written what is news:
//! another report, a silence that was noticed and its end, and now and then that the last report still holds, by which
//! others can tell that somebody hears the node.

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

    /// Writes down that a node is silent which was last heard at `last_heard`, unless somebody has heard it since. An
    /// event goes out when that is news.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mark_silent(&self, uuid: Uuid, last_heard: Timestamp) -> Result<Silence> {
        let doing = "noting that an agent is silent";
        let at = codec::micros(last_heard);
        let transaction = self.begin().await?;
        // What it goes by and what it writes are one statement: nobody comes in between.
        let marked = node::Entity::update_many()
            .set(node::ActiveModel { silent_since: Set(Some(at)), ..Default::default() })
            .filter(node::Column::Uuid.eq(uuid.to_string()))
            .filter(node::Column::SilentSince.is_null())
            .filter(node::Column::ReportedAt.lte(at))
            .exec(&transaction)
            .await
            .doing(doing)?;
        let now = match pulse(&transaction, uuid).await {
            Err(StoreError::NotFound { .. }) => return Ok(Silence::NoNews),
            now => now?,
        };
        self.commit(transaction, doing).await?;
        if marked.rows_affected > 0 {
            self.publish(Event::node(now.cluster, uuid));
            return Ok(Silence::Noticed);
        }
        Ok(match now.reported_at {
            Some(reported_at) if !now.is_silent => Silence::HeardAt(reported_at),
            _ => Silence::NoNews,
        })
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

async fn pulse(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<Pulse> {
    let row: Option<(String, Option<i64>, Option<i64>)> = node::Entity::find()
        .select_only()
        .columns([node::Column::ClusterUuid, node::Column::ReportedAt, node::Column::SilentSince])
        .filter(node::Column::Uuid.eq(uuid.to_string()))
        .into_tuple()
        .one(connection)
        .await
        .doing("reading a node")?;
    let (cluster, reported_at, silent_since) = row.ok_or_else(|| StoreError::not_found(WHAT, uuid))?;
    Ok(Pulse {
        cluster: codec::uuid(&cluster)?,
        reported_at: codec::maybe_time(reported_at)?,
        is_silent: silent_since.is_some(),
    })
}

/// Whether a node counted as silent at this time: see [`jeroboam_model::Node::is_silent`].
fn was_silent(reported_at: Option<Timestamp>, was_noticed: bool, now: Timestamp) -> bool {
    was_noticed || reported_at.is_none_or(|at| now.duration_since(at) > SILENT_AFTER)
}
