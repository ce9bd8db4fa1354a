//! Write transactions. Everything that the store writes is written by [`Store::write`], which repeats a transaction
//! that lost a conflict with another one: PostgreSQL and MariaDB end one of two transactions that wait for each other,
//! and a Galera cluster rejects a commit if another node has changed the same rows.
//!
//! Rules for the work of a transaction:
//! - It may run several times, so it moves nothing out of its surroundings, and what it does besides writing (events,
//!   for example) comes after the commit.
//! - It locks before it reads what its writes depend on. Servers run transactions at READ COMMITTED (decision 29).

use std::cell::Cell;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use sea_orm::{DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};

use crate::error::{Doing, of_commit};
use crate::{Result, Store, StoreError, dry_run, idempotency, precondition};

/// Most repetitions: with delays that double, two seconds in all.
const REPETITIONS: usize = 8;

/// The first delay. The winner of a conflict takes milliseconds to finish.
const FIRST_DELAY: Duration = Duration::from_millis(5);

/// The longest delay.
const LONGEST_DELAY: Duration = Duration::from_millis(500);

/// No repetition starts after this time, so that a client, which waits, is told that the database is busy.
const PATIENCE: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// Whether the transaction lost a conflict. It is noted where database errors are mapped, as the caller of a write
    /// may have error types of its own.
    static CONFLICT: Cell<bool>;
}

/// Notes that the current transaction lost a conflict with another one.
pub(crate) fn note_conflict() {
    // Fails outside of write transactions, where nothing is repeated.
    let _ = CONFLICT.try_with(|conflict| conflict.set(true));
}

impl Store {
    /// Runs `work` in a write transaction, which it has to commit with [`Store::commit`]; otherwise it is rolled back.
    /// The current request's precondition is checked first, and its idempotency key is taken: see [`precondition`] and
    /// [`idempotency`].
    ///
    /// In SQLite the transaction takes the write lock immediately: a transaction that reads first and then writes
    /// cannot wait for the lock, and fails when somebody else has written concurrently.
    pub(crate) async fn write<T, E: From<StoreError>, W: Future<Output = std::result::Result<T, E>>>(
        &self,
        work: impl Fn(DatabaseTransaction) -> W + Sync,
    ) -> std::result::Result<T, E> {
        let work = &work;
        repeated(|| async move {
            let transaction = self.begin().await?;
            precondition::check(&transaction).await?;
            idempotency::take_current(&transaction).await?;
            work(transaction).await
        })
        .await
    }

    /// The same for work that is not part of the current request: its precondition and idempotency key are not applied.
    /// It has to be committed with [`Store::commit_beside`].
    pub(crate) async fn write_beside<T, W: Future<Output = Result<T>>>(
        &self,
        work: impl Fn(DatabaseTransaction) -> W + Sync,
    ) -> Result<T> {
        let work = &work;
        repeated(|| async move { work(self.begin().await?).await }).await
    }

    /// Commits a transaction of [`Store::write`], unless the request is a [dry run](dry_run).
    pub(crate) async fn commit(&self, transaction: DatabaseTransaction, doing: &str) -> Result<()> {
        dry_run::check(&transaction).await?;
        self.commit_beside(transaction, doing).await
    }

    /// Commits a transaction of [`Store::write_beside`].
    pub(crate) async fn commit_beside(&self, transaction: DatabaseTransaction, doing: &str) -> Result<()> {
        transaction.commit().await.map_err(|error| of_commit(doing, &error))
    }

    async fn begin(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.write_connection().begin_with_options(options).await.doing("starting a write transaction")
    }

    /// A transaction that nobody repeats, for tests.
    #[cfg(test)]
    pub(crate) async fn begin_once(&self) -> Result<DatabaseTransaction> {
        self.begin().await
    }
}

/// Runs `work` until it loses no conflict.
async fn repeated<T, E, W: Future<Output = std::result::Result<T, E>>>(
    work: impl Fn() -> W,
) -> std::result::Result<T, E> {
    let begun = Instant::now();
    let was_checked = precondition::is_checked();
    let mut delays = ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(FIRST_DELAY)
        .with_max_delay(LONGEST_DELAY)
        .with_max_times(REPETITIONS)
        .build();
    loop {
        let attempt = async {
            // Boxed: otherwise this future would have several times the size of the work's.
            let outcome = Box::pin(work()).await;
            (outcome, CONFLICT.with(Cell::get))
        };
        let (outcome, has_conflict) = CONFLICT.scope(Cell::new(false), attempt).await;
        if outcome.is_ok() || !has_conflict || begun.elapsed() > PATIENCE {
            return outcome;
        }
        let Some(delay) = delays.next() else { return outcome };
        drop(outcome);
        if !was_checked {
            precondition::look_again();
        }
        tokio::time::sleep(delay).await;
    }
}
