//! SQLite connections for the most frequent reads of a busy server. They run on the calling thread.
//!
//! The usual driver has a thread for each connection, and passing a statement to it and the rows back costs more than
//! the statement itself. The reads here take some ten microseconds: less than waking up another thread. They never
//! block: with the write-ahead log a reader does not wait for writers, and in the rare moments when the log itself is
//! reset the read falls back to the usual driver.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, Params};
use serde::de::DeserializeOwned;
use serde_rusqlite::{columns_from_statement, from_row_with_columns};

/// Page cache of each connection, in KiB (SQLite takes a negative number as KiB).
const PAGES: i64 = -4096;

/// Prepared statements that each connection caches: more than there are.
const STATEMENTS: usize = 16;

/// A pool of connections, opened on demand: as many as there were concurrent reads.
pub(crate) struct Quick {
    path: PathBuf,
    /// `None` when the database is closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

/// Result of a read.
pub(crate) type Outcome<T> = Result<T, serde_rusqlite::Error>;

impl Quick {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Some(Vec::new())) }
    }

    /// Runs `work` on one snapshot of the database. `None` when that is not possible now: the caller falls back to the
    /// usual driver, which works or reports the error.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Outcome<T>) -> Option<T> {
        let idle = self.idle().as_mut()?.pop();
        let read = || {
            let connection = idle.map_or_else(|| self.open(), Ok)?;
            // A transaction is a snapshot. After an error the connection is dropped, which rolls the transaction back.
            connection.prepare_cached("BEGIN")?.execute(())?;
            let value = work(&connection)?;
            connection.prepare_cached("COMMIT")?.execute(())?;
            Outcome::Ok((connection, value))
        };
        match read() {
            Ok((connection, value)) => {
                if let Some(idle) = self.idle().as_mut() {
                    idle.push(connection);
                }
                Some(value)
            }
            Err(error) => {
                tracing::debug!(%error, "a quick read was not possible");
                None
            }
        }
    }

    fn open(&self) -> Outcome<Connection> {
        // Readers of a write-ahead log write to its index, so the file is not opened read-only.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", PAGES)?;
        // Never block the calling thread.
        connection.busy_timeout(std::time::Duration::ZERO)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }

    /// Closes all connections. Reads return `None` from then on.
    pub(crate) fn close(&self) {
        self.idle().take();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Option<Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows of a query.
pub(crate) fn rows<T: DeserializeOwned>(
    connection: &Connection,
    sql: &'static str,
    values: impl Params,
) -> Outcome<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = columns_from_statement(&statement);
    let mut rows = statement.query(values)?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(from_row_with_columns(row, &columns)?);
    }
    Ok(list)
}
