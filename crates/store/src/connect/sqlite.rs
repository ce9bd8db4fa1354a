//! SQLite: one writer, some readers, and readers on the calling thread.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{ConnectOptions as _, Connection};
use sea_orm::{ConnectOptions, Database};

use super::{Connections, quiet};
use crate::error::Doing;
use crate::quick::Quick;
use crate::{Result, StoreError};

/// How long a statement waits for another process that writes. Our own transactions take milliseconds; five seconds
/// cover a backup or a `sqlite3` shell, and are short enough for a waiting client.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Concurrent readers. Each has a thread of its own in the driver; queries take well below a millisecond.
const READERS: u32 = 4;

/// How long an idle reader is kept: its page cache and statements use some MB of memory.
const READER_IDLE: Duration = Duration::from_secs(30);

pub(super) async fn connect(url: &str) -> Result<Connections> {
    if is_in_memory(url) {
        // A second connection would open another, empty database; and this one must never be closed.
        let write = Database::connect(options(url, 1, false)).await.doing("opening the database")?;
        return Ok(Connections { read: write.clone(), write, quick: None });
    }
    make_private(url)?;
    let write = Database::connect(options(url, 1, false)).await.doing("opening the database")?;
    let read = Database::connect(options(url, READERS, true)).await.doing("opening the database")?;
    let quick = Some(Quick::new(file(url)?));
    Ok(Connections { write, read, quick })
}

/// Settings of every connection.
fn settings(options: SqliteConnectOptions, query_only: bool) -> SqliteConnectOptions {
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        // What was acknowledged survives a power failure.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .disable_statement_logging();
    if query_only { options.pragma("query_only", "ON") } else { options }
}

fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

/// The file that the database is in.
fn file(url: &str) -> Result<PathBuf> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|error| StoreError::Database(format!("reading the database's URL: {error}")))?;
    Ok(options.get_filename().to_owned())
}

/// Creates the file before SQLite does, so that only its owner can read it. SQLite gives the files beside it (`-wal`,
/// `-shm`) the same permissions.
fn make_private(url: &str) -> Result<()> {
    if !url.contains("mode=rwc") {
        return Ok(());
    }
    let path = file(url)?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Full(format!("creating the database file {}: {error}", path.display()))),
    }
}

fn options(url: &str, connections: u32, query_only: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    quiet(&mut options)
        .max_connections(connections)
        .min_connections(1)
        // A connection to a file does not break by being idle.
        .test_before_acquire(false)
        .idle_timeout(query_only.then_some(READER_IDLE))
        .max_lifetime(None::<Duration>);
    options.map_sqlx_sqlite_opts(move |options| settings(options, query_only));
    if query_only {
        return options;
    }
    // When the disk is full SQLite rolls the transaction back (sqlite.org/lang_transaction.html, "Response To Errors
    // Within A Transaction"), while the driver still counts it as open and would nest the next transaction in it. Such
    // a connection is discarded.
    options.map_sqlx_sqlite_pool_opts(|pool| {
        pool.after_release(|connection, _| {
            Box::pin(async move {
                // Returns after all earlier requests of the connection, such as the rollback of a dropped transaction.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
    });
    options
}
