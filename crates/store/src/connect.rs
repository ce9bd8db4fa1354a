//! Opening the database. Everything specific to SQLite is in this file.

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
/// cover a backup or a `sqlite3` shell, and are short enough for a waiting client.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a call waits for a connection: for the writers ahead of it, the first of which may itself wait for
/// [`BUSY_TIMEOUT`].
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(8);

/// Concurrent readers. Each has a thread of its own in the driver; queries take well below a millisecond.
const SQLITE_READERS: u32 = 4;

/// How long an idle reader is kept: its page cache and statements use some MB of memory.
const SQLITE_READER_IDLE: Duration = Duration::from_secs(30);

/// Pool size for a database server.
const SERVER_CONNECTIONS: u32 = 16;

/// The store. Cheap to clone; all clones share connections and events.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// SQLite allows one writer at a time: with a single connection writers queue in order instead of polling the lock.
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
    /// Opens the database at `url` (`sqlite:///path/file?mode=rwc`, or `sqlite::memory:` for tests) and migrates its
    /// schema. Secrets are sealed with `key`.
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
        Migrator::up(&write, None).await.doing("migrating the database schema")?;
        target::fill(&write).await?;
        Ok(Self { inner: Arc::new(Inner { write, read, quick, key, events: broadcast::channel(event::CAPACITY).0 }) })
    }

    /// Closes the database cleanly, so that the next start has nothing to recover. Calls after this fail.
    ///
    /// # Errors
    /// On a database error. What was committed before is safe in any case.
    pub async fn close(&self) -> Result<()> {
        if let Some(quick) = &self.inner.quick {
            quick.close();
        }
        self.inner.read.close_by_ref().await.doing("closing the database")?;
        self.inner.write.close_by_ref().await.doing("closing the database")
    }

    /// Counts statements from now on. Call right after connecting, before the store is cloned.
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

    /// For single read-only queries.
    pub(crate) fn reader(&self) -> &DatabaseConnection {
        &self.inner.read
    }

    /// The write connection, for tests.
    #[cfg(test)]
    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.inner.write
    }

    /// Starts a write transaction. Dropping it rolls it back. It first checks the current request's precondition and
    /// takes its idempotency key: see [`precondition`] and [`idempotency`].
    ///
    /// In SQLite it takes the write lock immediately: a transaction that reads first and then writes cannot wait for
    /// the lock, and fails when somebody else has written concurrently.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction> {
        let transaction = self.begin_beside().await?;
        precondition::check(&transaction).await?;
        idempotency::take_current(&transaction).await?;
        Ok(transaction)
    }

    /// The same for work that is not part of the current request: its precondition and idempotency key are not applied.
    pub(crate) async fn begin_beside(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.inner.write.begin_with_options(options).await.doing("starting a write transaction")
    }

    /// Commits a transaction of [`Store::begin`], unless the request is a [dry run](dry_run).
    pub(crate) async fn commit(&self, transaction: DatabaseTransaction, doing: &str) -> Result<()> {
        dry_run::check(&transaction).await?;
        self.commit_beside(transaction, doing).await
    }

    /// Commits a transaction of [`Store::begin_beside`].
    pub(crate) async fn commit_beside(&self, transaction: DatabaseTransaction, doing: &str) -> Result<()> {
        transaction.commit().await.doing(doing)
    }

    /// Reads on the calling thread; `None` where the database has no such fast path.
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
        self.inner.read.begin_with_options(options).await.doing("starting a read transaction")
    }
}

/// Turns off statement logging: it would drown everything else.
fn quiet(options: &mut ConnectOptions) -> &mut ConnectOptions {
    options.sqlx_logging(false).record_stmt_in_spans(false).acquire_timeout(ACQUIRE_TIMEOUT)
}

async fn connect_sqlite(url: &str) -> Result<(DatabaseConnection, DatabaseConnection, Option<Quick>)> {
    if is_in_memory(url) {
        // A second connection would open another, empty database; and this one must never be closed.
        let write = Database::connect(sqlite_options(url, 1, false)).await.doing("opening the database")?;
        return Ok((write.clone(), write, None));
    }
    make_private(url)?;
    let write = Database::connect(sqlite_options(url, 1, false)).await.doing("opening the database")?;
    let read = Database::connect(sqlite_options(url, SQLITE_READERS, true)).await.doing("opening the database")?;
    let quick = Quick::new(file(url)?);
    Ok((write, read, Some(quick)))
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

fn sqlite_options(url: &str, connections: u32, query_only: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    quiet(&mut options)
        .max_connections(connections)
        .min_connections(1)
        // A connection to a file does not break by being idle.
        .test_before_acquire(false)
        .idle_timeout(query_only.then_some(SQLITE_READER_IDLE))
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
