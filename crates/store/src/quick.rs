//! Connections of SQLite for the reads that a busy server does most, on the thread that asks.
//!
//! The usual driver has a thread for each connection, and handing a statement to it and taking the rows back costs more
//! than the statement does itself. What is read here takes some ten microseconds: less than it takes to wake another
//! thread up. It waits for nothing: with the write-ahead log a reader waits for no writer, and in the rare moments when
//! the log itself is made anew the read is left to the usual way.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, Params};
use serde::de::DeserializeOwned;
use serde_rusqlite::{columns_from_statement, from_row_with_columns};

/// Memory of each connection for pages of the database, in KiB (a negative number is that for SQLite).
const PAGES: i64 = -4096;

/// Texts of statements that each connection keeps ready: more than there are.
const STATEMENTS: usize = 16;

/// The connections, one for each thread that has ever read at the same time as others. Opened when they are needed.
pub(crate) struct Quick {
    path: PathBuf,
    /// `None` when the database is closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

/// What reading gives.
pub(crate) type Outcome<T> = Result<T, serde_rusqlite::Error>;

impl Quick {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Some(Vec::new())) }
    }

    /// Does `work` on one state of the database. `None` when that is not possible now: the usual way is, or will say
    /// what is wrong.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Outcome<T>) -> Option<T> {
        let idle = self.idle().as_mut()?.pop();
        let read = || {
            let connection = idle.map_or_else(|| self.open(), Ok)?;
            // A transaction is a snapshot. After an error the connection is dropped, and with it what it began.
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
        // Readers of a write-ahead log write in its index, so the file is not opened for reading alone.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", PAGES)?;
        // Nobody waits on this thread.
        connection.busy_timeout(std::time::Duration::ZERO)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }

    /// Closes all connections. Reads after this are not possible.
    pub(crate) fn close(&self) {
        self.idle().take();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Option<Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows that a statement gives.
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
