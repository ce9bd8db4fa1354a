//! Connections of SQLite for the reads that a busy server does most.
//!
//! SQLite's driver has a thread for each connection, and handing a statement to it and taking the rows back costs more
//! than most statements do themselves. The pool adds a ping when a connection comes back. Here a text of several
//! statements is handed over at once, on connections that are taken as they are: one exchange instead of some ten.

use std::sync::{Mutex, PoisonError};

use futures::TryStreamExt;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, ConnectOptions, Connection, Either, Executor};
use sea_orm::{DbErr, QueryResult, RuntimeErr};
use tokio::sync::Semaphore;

use crate::error::classify;
use crate::{Result, StoreError};

/// Connections at once: as many as [`crate::connect`] has readers. More would only wait for processors.
const CONNECTIONS: usize = 4;

/// The connections. Opened when they are needed for the first time.
pub(crate) struct Quick {
    options: SqliteConnectOptions,
    idle: Mutex<Vec<SqliteConnection>>,
    permits: Semaphore,
}

impl Quick {
    /// `options` are those of a connection that does not write.
    pub(crate) fn new(options: SqliteConnectOptions) -> Self {
        Self { options, idle: Mutex::default(), permits: Semaphore::new(CONNECTIONS) }
    }

    /// Runs a text of statements of our own that read and, if they begin a transaction, also end it; gives the rows of
    /// each. `?1` and so on stand for the values.
    pub(crate) async fn read(&self, sql: &'static str, values: &[Option<&str>]) -> Result<Vec<Vec<QueryResult>>> {
        let closed = |_| StoreError::Database("reading: the database is closed".to_owned());
        let _permit = self.permits.acquire().await.map_err(closed)?;
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.options.connect().await.map_err(trouble)?,
        };
        let mut query = sqlx::query(sql);
        for value in values {
            query = query.bind(value.map(ToOwned::to_owned));
        }
        let (mut lists, mut list) = (Vec::new(), Vec::new());
        let mut rows = connection.fetch_many(query);
        // Whoever leaves here early, by an error or because nobody waits any more, takes the connection with him: a
        // transaction may be open on it.
        while let Some(next) = rows.try_next().await.map_err(trouble)? {
            match next {
                Either::Right(row) => list.push(QueryResult::from(row)),
                Either::Left(_) => lists.push(std::mem::take(&mut list)),
            }
        }
        drop(rows);
        self.idle().push(connection);
        Ok(lists)
    }

    /// Closes all connections. Reads after this fail.
    pub(crate) async fn close(&self) -> Result<()> {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            connection.close().await.map_err(trouble)?;
        }
        Ok(())
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn trouble(error: sqlx::Error) -> StoreError {
    classify("reading", &DbErr::Query(RuntimeErr::SqlxError(error.into())))
}
