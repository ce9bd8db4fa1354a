//! Heartbeats of the processes that do the work.

use jeroboam_model::Mservice;
use jiff::{SignedDuration, Timestamp};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::entity::mservice;
use crate::error::Doing;
use crate::{Result, Store, StoreError, codec};

/// How long a process that sends no heartbeats is remembered: long enough for an operator to see that it is down, but
/// not for ever, as machines come and go.
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Store {
    /// Records a heartbeat of a process.
    ///
    /// # Errors
    /// On a database error.
    pub async fn beat(&self, host: &str, binary: &str, now: Timestamp) -> Result<()> {
        self.write(|transaction| async move {
            let at = codec::micros(now);
            mservice::Entity::insert(mservice::ActiveModel {
                id: NotSet,
                host: Set(host.to_owned()),
                program: Set(binary.to_owned()),
                report_count: Set(1),
                created_at: Set(at),
                reported_at: Set(at),
            })
            .on_conflict(
                OnConflict::columns([mservice::Column::Host, mservice::Column::Program])
                    .value(
                        mservice::Column::ReportCount,
                        Expr::col((mservice::Entity, mservice::Column::ReportCount)).add(1),
                    )
                    .value(mservice::Column::ReportedAt, at)
                    .to_owned(),
            )
            .exec_without_returning(&transaction)
            .await
            .doing("storing a heartbeat")?;
            mservice::Entity::delete_many()
                .filter(
                    mservice::Column::ReportedAt.lt(codec::micros(now.saturating_sub(REMEMBERED_FOR).unwrap_or(now))),
                )
                .exec(&transaction)
                .await
                .doing("deleting a process")?;
            self.commit(transaction, "storing a heartbeat").await
        })
        .await
    }

    /// All processes, oldest first.
    ///
    /// # Errors
    /// On a database error.
    pub async fn mservices(&self) -> Result<Vec<Mservice>> {
        mservice::Entity::find()
            .order_by_asc(mservice::Column::Id)
            .all(self.reader())
            .await
            .doing("listing processes")?
            .into_iter()
            .map(TryInto::try_into)
            .collect()
    }
}

impl TryFrom<mservice::Model> for Mservice {
    type Error = StoreError;

    fn try_from(row: mservice::Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            host: row.host,
            binary: row.program,
            report_count: codec::number("a count", row.report_count)?,
            created_at: codec::time(row.created_at)?,
            reported_at: codec::time(row.reported_at)?,
        })
    }
}
