//! Small named numbers that all processes of one database share.

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::Result;
use crate::entity::counter;
use crate::error::Doing;

/// Names of the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Counter {
    /// Incremented with every change of a cluster template.
    ClusterTemplates,
    /// Above 0 while a process delivers notifications.
    NotificationsWanted,
}

/// The number; 0 when it was never written.
pub(crate) async fn get(connection: &impl ConnectionTrait, counter: Counter) -> Result<i64> {
    let value: Option<i64> = counter::Entity::find()
        .select_only()
        .column(counter::Column::Value)
        .filter(counter::Column::Name.eq(counter.to_string()))
        .into_tuple()
        .one(connection)
        .await
        .doing("reading a counter")?;
    Ok(value.unwrap_or_default())
}

/// Writes the number.
pub(crate) async fn set(connection: &impl ConnectionTrait, counter: Counter, value: i64) -> Result<()> {
    upsert(connection, counter, value, Expr::value(value)).await
}

/// Adds one.
pub(crate) async fn increase(connection: &impl ConnectionTrait, counter: Counter) -> Result<()> {
    upsert(connection, counter, 1, Expr::col((counter::Entity, counter::Column::Value)).add(1)).await
}

/// Locks the number until the transaction ends.
pub(crate) async fn lock(connection: &impl ConnectionTrait, counter: Counter) -> Result<()> {
    // A no-op update locks the row in every database.
    counter::Entity::update_many()
        .col_expr(counter::Column::Value, Expr::col(counter::Column::Value))
        .filter(counter::Column::Name.eq(counter.to_string()))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("locking a counter")
}

async fn upsert(connection: &impl ConnectionTrait, counter: Counter, first: i64, next: Expr) -> Result<()> {
    counter::Entity::insert(counter::ActiveModel { id: NotSet, name: Set(counter.to_string()), value: Set(first) })
        .on_conflict(OnConflict::column(counter::Column::Name).value(counter::Column::Value, next).to_owned())
        .exec_without_returning(connection)
        .await
        .map(|_| ())
        .doing("writing a counter")
}
