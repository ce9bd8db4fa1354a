//! Opening the database. All that is special to SQLite is in this file.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jeroboam_pki::EncryptionKey;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{ConnectOptions as _, Connection};
use sea_orm::{
    AccessMode, ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use tokio::sync::broadcast;

use crate::error::Doing;
use crate::migration::Migrator;
use crate::quick::Quick;
use crate::{Event, Result, StoreError, dry_run, event, idempotency, precondition, target};

/// How long a statement waits for another process that writes. Our own transactions take milliseconds; five seconds
/// outlast a backup or a curious `sqlite3` shell, and are short enough for a client that waits.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a call waits for a connection: the writers before it, the first of which may itself wait for
/// [`BUSY_TIMEOUT`].
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(8);

/// Readers at once. Each is a thread of SQLite's; queries take well below a millisecond.
const SQLITE_READERS: u32 = 4;

/// How long a reader is kept that nobody needs: its pages and statements are some MB of memory.
const SQLITE_READER_IDLE: Duration = Duration::from_secs(30);

/// Connections to a database server.
const SERVER_CONNECTIONS: u32 = 16;

/// The store. Cheap to clone; all clones share connections and events.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// SQLite knows one writer at a time: one connection makes the queue ours, in order, instead of a race of polls.
    write: DatabaseConnection,
    read: DatabaseConnection,
    quick: Option<Quick>,
    key: EncryptionKey,
    events: broadcast::Sender<Event>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.inner.write.get_database_backend()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database at `url` (`sqlite:///path/file?mode=rwc`, or `sqlite::memory:` for tests) and brings its
    /// schema up to date. Secrets are sealed with `key`.
    ///
    /// # Errors
    /// When the database cannot be opened, or holds a schema that this version does not know.
    pub async fn connect(url: &str, key: EncryptionKey) -> Result<Self> {
        let (write, read, quick) = if url.starts_with("sqlite:") {
            connect_sqlite(url).await?
        } else {
            let mut options = ConnectOptions::new(url);
            quiet(&mut options).max_connections(SERVER_CONNECTIONS);
            let connection = Database::connect(options).await.doing("opening the database")?;
            (connection.clone(), connection, None)
        };
        Migrator::up(&write, None).await.doing("bringing the database's schema up to date")?;
        target::fill(&write).await?;
        Ok(Self { inner: Arc::new(Inner { write, read, quick, key, events: broadcast::channel(event::CAPACITY).0 }) })
    }

    /// Closes the database, so that nothing is left to be tidied up at the next start. Calls after this fail.
    ///
    /// # Errors
    /// When the database refuses. What was written before is safe in any case.
    pub async fn close(&self) -> Result<()> {
        if let Some(quick) = &self.inner.quick {
            quick.close();
        }
        self.inner.read.close_by_ref().await.doing("closing the database")?;
        self.inner.write.close_by_ref().await.doing("closing the database")
    }

    /// Counts the statements from now on. Only right after connecting, before the store is cloned.
    #[cfg(test)]
    pub(crate) fn count_statements(&mut self) -> Arc<std::sync::atomic::AtomicUsize> {
        let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let inner = Arc::get_mut(&mut self.inner).unwrap();
        for connection in [&mut inner.write, &mut inner.read] {
            let count = Arc::clone(&count);
            connection.set_metric_callback(move |_| {
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            });
        }
        count
    }

    pub(crate) fn key(&self) -> &EncryptionKey {
        &self.inner.key
    }

    pub(crate) fn events(&self) -> &broadcast::Sender<Event> {
        &self.inner.events
    }

    /// For single queries that write nothing.
    pub(crate) fn reader(&self) -> &DatabaseConnection {
        &self.inner.read
    }

    /// The connections that write. Tests reach in here.
    #[cfg(test)]
    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.inner.write
    }

    /// A transaction that may write. Dropping it rolls it back. What the current request demands of its writes is seen
    /// to first: see [`precondition`] and [`idempotency`].
    ///
    /// SQLite takes the write lock at once: a transaction that reads first and then writes can otherwise not be told
    /// to wait, and fails when somebody else has written in between.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction> {
        let transaction = self.begin_beside().await?;
        precondition::check(&transaction).await?;
        idempotency::take_current(&transaction).await?;
        Ok(transaction)
    }

    /// The same for what is no work of the current request's, whose demands are not looked at.
    pub(crate) async fn begin_beside(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.inner.write.begin_with_options(options).await.doing("beginning to write")
    }

    /// Ends a transaction of [`Store::begin`]: what it wrote is there, unless the request is a [dry run](dry_run).
    pub(crate) async fn commit(&self, transaction: DatabaseTransaction, doing: &str) -> Result<()> {
        dry_run::check(&transaction).await?;
        self.commit_beside(transaction, doing).await
    }

    /// Ends a transaction of [`Store::begin_beside`].
    pub(crate) async fn commit_beside(&self, transaction: DatabaseTransaction, doing: &str) -> Result<()> {
        transaction.commit().await.doing(doing)
    }

    /// For reads in one go; `None` where there is nothing quicker than the ordinary way.
    pub(crate) fn quick(&self) -> Option<&Quick> {
        self.inner.quick.as_ref()
    }

    /// A transaction in which several queries see the same state.
    pub(crate) async fn snapshot(&self) -> Result<DatabaseTransaction> {
        let options = match self.inner.read.get_database_backend() {
            // Every SQLite transaction is a snapshot.
            DbBackend::Sqlite => TransactionOptions::default(),
            _ => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            },
        };
        self.inner.read.begin_with_options(options).await.doing("beginning to read")
    }
}

/// Statements are not logged: they would drown everything else.
fn quiet(options: &mut ConnectOptions) -> &mut ConnectOptions {
    options.sqlx_logging(false).record_stmt_in_spans(false).acquire_timeout(ACQUIRE_TIMEOUT)
}

async fn connect_sqlite(url: &str) -> Result<(DatabaseConnection, DatabaseConnection, Option<Quick>)> {
    if is_in_memory(url) {
        // Every further connection would be another, empty database; and this one must never be closed.
        let write = Database::connect(sqlite_options(url, 1, false)).await.doing("opening the database")?;
        return Ok((write.clone(), write, None));
    }
    make_private(url)?;
    let write = Database::connect(sqlite_options(url, 1, false)).await.doing("opening the database")?;
    let read = Database::connect(sqlite_options(url, SQLITE_READERS, true)).await.doing("opening the database")?;
    let quick = Quick::new(file(url)?);
    Ok((write, read, Some(quick)))
}

/// What holds for every connection.
fn settings(options: SqliteConnectOptions, query_only: bool) -> SqliteConnectOptions {
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        // What was answered is on the disk, also after the power went.
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

/// Makes the file before SQLite does, so that nobody but its owner can read it. The files beside it (`-wal`, `-shm`)
/// get the same permissions from SQLite.
fn make_private(url: &str) -> Result<()> {
    if !url.contains("mode=rwc") {
        return Ok(());
    }
    let path = file(url)?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Full(format!("making the database file {}: {error}", path.display()))),
    }
}

fn sqlite_options(url: &str, connections: u32, query_only: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    quiet(&mut options)
        .max_connections(connections)
        .min_connections(1)
        // A connection to a file does not die of being idle.
        .test_before_acquire(false)
        .idle_timeout(query_only.then_some(SQLITE_READER_IDLE))
        .max_lifetime(None::<Duration>);
    options.map_sqlx_sqlite_opts(move |options| settings(options, query_only));
    if query_only {
        return options;
    }
    // When the disk is full SQLite ends the transaction by itself (sqlite.org/lang_transaction.html, "Response To
    // Errors Within A Transaction"), while the driver goes on to believe that there is one, and would make the next
    // one an inner one of it. Such a connection is thrown away.
    options.map_sqlx_sqlite_pool_opts(|pool| {
        pool.after_release(|connection, _| {
            Box::pin(async move {
                // Answers when all that was asked before is done, such as the rollback of a dropped transaction.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
    });
    options
}
