//! Records of an operation's steps. The remaining work is determined from the observed state, not from these records;
//! they show progress to users, and record that steps without an observable result are done.

use std::collections::{BTreeMap, BTreeSet};

use jeroboam_model::plan;
use jeroboam_model::{Cause, StepStatus};
use jeroboam_types::operation::Step;
use jiff::Timestamp;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, UpdateMany};
use uuid::Uuid;

use super::lease::guard;
use crate::entity::step;
use crate::error::Doing;
use crate::{Event, Result, Store, StoreError, codec};

impl Store {
    /// Records the present plan. New steps are added as pending; steps that were done, failed or skipped and are
    /// planned again become pending again and keep their number of attempts. Steps that are no longer planned are done:
    /// their result was observed, for example of an attempt whose response was lost.
    ///
    /// A step that is added after the first plan, or is planned again after it was done, records the reason.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub(crate) async fn record_plan(&self, operation: Uuid, fence: i64, steps: &[plan::Step]) -> Result<()> {
        let doing = "recording a plan";
        self.write(|transaction| async move {
            let row = guard(&transaction, operation, fence).await?;
            let there: BTreeMap<String, step::Model> = of_operation(&transaction, &row.uuid)
                .await?
                .into_iter()
                .map(|record| (record.step_key.clone(), record))
                .collect();
            let mut planned = BTreeSet::new();
            let (mut new, mut again, mut undone) = (Vec::new(), Vec::new(), Vec::new());
            for step in steps {
                let key = step.action.key();
                if !planned.insert(key.clone()) {
                    continue;
                }
                match there.get(&key) {
                    None => new.push(pending(&row.uuid, key, step, !there.is_empty())),
                    Some(record) => match codec::word("a status", &record.status)? {
                        StepStatus::Done => undone.push((record.id, step.because.clone())),
                        StepStatus::Failed | StepStatus::Skipped => again.push(record.id),
                        StepStatus::Pending | StepStatus::Running | StepStatus::Blocked => {}
                    },
                }
            }
            let (mut done, mut skipped) = (Vec::new(), Vec::new());
            for record in there.values().filter(|record| !planned.contains(&record.step_key)) {
                match codec::word("a status", &record.status)? {
                    // A remedy that is no longer needed was not carried out: skip it instead of marking it done.
                    StepStatus::Pending | StepStatus::Running | StepStatus::Blocked
                        if plan::is_remedy_key(&record.step_key) =>
                    {
                        skipped.push(record.id);
                    }
                    StepStatus::Pending | StepStatus::Running | StepStatus::Blocked => done.push(record.id),
                    StepStatus::Done | StepStatus::Failed | StepStatus::Skipped => {}
                }
            }
            let now = codec::micros(Timestamp::now());
            for rows in new.chunks(codec::ROWS_AT_ONCE) {
                step::Entity::insert_many(rows.to_vec()).exec_without_returning(&transaction).await.doing(doing)?;
            }
            for (ids, status, finished) in [
                (again, StepStatus::Pending, None),
                (done, StepStatus::Done, Some(now)),
                (skipped, StepStatus::Skipped, Some(now)),
            ] {
                if !ids.is_empty() {
                    ended(status, finished)
                        .filter(step::Column::Id.is_in(ids))
                        .exec(&transaction)
                        .await
                        .doing(doing)?;
                }
            }
            for (id, because) in undone {
                ended(StepStatus::Pending, None)
                    .col_expr(step::Column::AddedBecause, Expr::value(because))
                    .filter(step::Column::Id.eq(id))
                    .exec(&transaction)
                    .await
                    .doing(doing)?;
            }
            self.commit(transaction, doing).await?;
            self.publish(Event::operation(codec::uuid(&row.cluster_uuid)?, operation));
            Ok(())
        })
        .await
    }

    /// The step starts, possibly for another attempt.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::NotFound`] when it was never planned.
    pub(crate) async fn step_running(&self, operation: Uuid, fence: i64, key: &str) -> Result<()> {
        let now = codec::micros(Timestamp::now());
        let update = ended(StepStatus::Running, None)
            .col_expr(step::Column::Attempts, Expr::col(step::Column::Attempts).add(1))
            // `started_at` keeps the time of the first start.
            .col_expr(step::Column::StartedAt, Expr::col(step::Column::StartedAt).if_null(now));
        self.record(operation, fence, key, update).await
    }

    /// Records the progress of the step, in the words of the component that carries it out.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::NotFound`] when it was never planned.
    pub(crate) async fn step_progress(&self, operation: Uuid, fence: i64, key: &str, progress: &str) -> Result<()> {
        let update = step::Entity::update_many().col_expr(step::Column::Progress, Expr::value(progress));
        self.record(operation, fence, key, update).await
    }

    /// The step failed in a way that may pass: it is retried.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::NotFound`] when it was never planned.
    pub(crate) async fn step_blocked(&self, operation: Uuid, fence: i64, key: &str, cause: &Cause) -> Result<()> {
        let update = ended_because(StepStatus::Blocked, None, Some(codec::json("a cause", cause)?));
        self.record(operation, fence, key, update).await
    }

    /// The step is done.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::NotFound`] when it was never planned.
    pub(crate) async fn step_done(&self, operation: Uuid, fence: i64, key: &str) -> Result<()> {
        let update = ended(StepStatus::Done, Some(codec::micros(Timestamp::now())));
        self.record(operation, fence, key, update).await
    }

    /// The step is given up.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::NotFound`] when it was never planned.
    pub(crate) async fn step_failed(&self, operation: Uuid, fence: i64, key: &str, cause: &Cause) -> Result<()> {
        let now = codec::micros(Timestamp::now());
        let update = ended_because(StepStatus::Failed, Some(now), Some(codec::json("a cause", cause)?));
        self.record(operation, fence, key, update).await
    }

    /// Keys of the steps that are done.
    ///
    /// # Errors
    /// On a database error.
    pub async fn done_steps(&self, operation: Uuid) -> Result<BTreeSet<String>> {
        Ok(of_operation(self.reader(), &operation.to_string())
            .await?
            .into_iter()
            .filter(|record| record.status == StepStatus::Done.to_string())
            .map(|record| record.step_key)
            .collect())
    }

    async fn record(&self, operation: Uuid, fence: i64, key: &str, update: UpdateMany<step::Entity>) -> Result<()> {
        let doing = "recording a step";
        let update = &update;
        self.write(|transaction| async move {
            let row = guard(&transaction, operation, fence).await?;
            let written = update
                .clone()
                .filter(step::Column::OperationUuid.eq(operation.to_string()))
                .filter(step::Column::StepKey.eq(key))
                .exec(&transaction)
                .await
                .doing(doing)?;
            if written.rows_affected == 0 {
                return Err(StoreError::not_found("step", key));
            }
            self.commit(transaction, doing).await?;
            self.publish(Event::operation(codec::uuid(&row.cluster_uuid)?, operation));
            Ok(())
        })
        .await
    }
}

/// A new status; clears the progress and cause of the last one.
pub(super) fn ended(status: StepStatus, finished_at: Option<i64>) -> UpdateMany<step::Entity> {
    ended_because(status, finished_at, None)
}

/// A new status with its cause; clears the progress of the last one.
fn ended_because(
    status: StepStatus,
    finished_at: Option<i64>,
    cause: Option<sea_orm::JsonValue>,
) -> UpdateMany<step::Entity> {
    step::Entity::update_many()
        .col_expr(step::Column::Status, Expr::value(status.to_string()))
        .col_expr(step::Column::Progress, Expr::value(None::<String>))
        .col_expr(step::Column::Cause, Expr::value(cause))
        .col_expr(step::Column::FinishedAt, Expr::value(finished_at))
}

/// The records of an operation, ordered by stage, then as planned.
pub(super) async fn of_operation(connection: &impl ConnectionTrait, operation: &str) -> Result<Vec<step::Model>> {
    step::Entity::find()
        .filter(step::Column::OperationUuid.eq(operation))
        .order_by_asc(step::Column::Stage)
        .order_by_asc(step::Column::Id)
        .all(connection)
        .await
        .doing("reading steps")
}

/// Whether any step of the operation was ever started.
pub(super) async fn any_begun(connection: &impl ConnectionTrait, operation: &str) -> Result<bool> {
    let begun = step::Entity::find()
        .filter(step::Column::OperationUuid.eq(operation))
        .filter(step::Column::Attempts.gt(0))
        .one(connection)
        .await
        .doing("reading steps")?;
    Ok(begun.is_some())
}

fn pending(operation: &str, key: String, step: &plan::Step, is_added: bool) -> step::ActiveModel {
    step::ActiveModel {
        id: NotSet,
        operation_uuid: Set(operation.to_owned()),
        step_key: Set(key),
        title: Set(step.action.title()),
        stage: Set(step.stage.into()),
        status: Set(StepStatus::Pending.to_string()),
        attempts: Set(0),
        progress: Set(None),
        started_at: Set(None),
        finished_at: Set(None),
        cause: Set(None),
        added_because: Set(is_added.then(|| step.because.clone())),
    }
}

/// The step as clients see it.
pub(super) fn view(row: step::Model) -> Result<Step> {
    Ok(Step {
        key: row.step_key,
        title: row.title,
        stage: codec::number("a stage", row.stage)?,
        status: codec::word("a status", &row.status)?,
        attempts: codec::number("a number of attempts", row.attempts)?,
        progress: row.progress,
        started_at: codec::maybe_time(row.started_at)?,
        finished_at: codec::maybe_time(row.finished_at)?,
        cause: codec::maybe_from_json("a cause", row.cause)?,
        added_because: row.added_because,
    })
}
