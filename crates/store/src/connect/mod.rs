//! Opening the database. What is specific to SQLite is in `sqlite` and `quick`, what is specific to database servers in
//! `server`.

mod server;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use jeroboam_pki::EncryptionKey;
use sea_orm::{
    AccessMode, ConnectOptions, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::broadcast;

use crate::error::Doing;
use crate::quick::Quick;
use crate::{Event, Result, Schema, StoreError, event, schema, target};

/// How long a call waits for a connection: for the writers ahead of it, the first of which may itself wait for
/// a lock; or for a database server that restarts.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(8);

/// The store. Cheap to clone; all clones share connections and events.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// The connections to one database.
struct Connections {
    /// SQLite allows one writer at a time: with a single connection writers queue in order instead of polling the lock.
    write: DatabaseConnection,
    /// Other connections, so that a read does not queue behind writers that wait for a lock.
    read: DatabaseConnection,
    quick: Option<Quick>,
}

struct Inner {
    connections: Connections,
    key: EncryptionKey,
    events: broadcast::Sender<Event>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("backend", &self.inner.connections.write.get_database_backend())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database at `url` and migrates its schema. Secrets are sealed with `key`. The URL is one of
    /// `sqlite:///path/file?mode=rwc`, `sqlite::memory:` (for tests), `postgresql://user:password@host/database` and
    /// `mysql://user:password@host/database` (also for MariaDB).
    ///
    /// # Errors
    /// When the database cannot be opened, or holds a schema that this version does not know.
    pub async fn connect(url: &str, key: EncryptionKey) -> Result<Self> {
        let connections = match Kind::of(url)? {
            Kind::Sqlite => {
                let connections = sqlite::connect(url).await?;
                schema::upgrade(&connections.write).await?;
                connections
            }
            kind => {
                Schema::upgrade(url).await?;
                server::connect(url, kind).await?
            }
        };
        target::fill(&connections.write).await?;
        Ok(Self { inner: Arc::new(Inner { connections, key, events: broadcast::channel(event::CAPACITY).0 }) })
    }

    /// Closes the database cleanly, so that the next start has nothing to recover. Calls after this fail.
    ///
    /// # Errors
    /// On a database error. What was committed before is safe in any case.
    pub async fn close(&self) -> Result<()> {
        if let Some(quick) = &self.inner.connections.quick {
            quick.close();
        }
        self.inner.connections.read.close_by_ref().await.doing("closing the database")?;
        self.inner.connections.write.close_by_ref().await.doing("closing the database")
    }

    /// Counts statements from now on. Call right after connecting, before the store is cloned.
    #[cfg(test)]
    pub(crate) fn count_statements(&mut self) -> Arc<std::sync::atomic::AtomicUsize> {
        let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let inner = Arc::get_mut(&mut self.inner).unwrap();
        for connection in [&mut inner.connections.write, &mut inner.connections.read] {
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
        &self.inner.connections.read
    }

    /// For transactions that write: only [`Store::write`] starts them.
    pub(crate) fn write_connection(&self) -> &DatabaseConnection {
        &self.inner.connections.write
    }

    /// Reads on the calling thread; `None` where the database has no such fast path.
    pub(crate) fn quick(&self) -> Option<&Quick> {
        self.inner.connections.quick.as_ref()
    }

    /// A transaction in which several queries see the same state.
    pub(crate) async fn snapshot(&self) -> Result<DatabaseTransaction> {
        let options = match self.reader().get_database_backend() {
            // Every SQLite transaction is a snapshot.
            DbBackend::Sqlite => TransactionOptions::default(),
            _ => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            },
        };
        self.inner.connections.read.begin_with_options(options).await.doing("starting a read transaction")
    }
}

/// Kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file of SQLite, which one process uses.
    Sqlite,
    /// A server of PostgreSQL.
    Postgres,
    /// A server of MariaDB or MySQL.
    MySql,
}

impl Kind {
    /// The kind of the database at `url`.
    ///
    /// # Errors
    /// For other URLs. The URL may contain a password, so the error does not show it.
    pub fn of(url: &str) -> Result<Self> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgresql" | "postgres") => Ok(Self::Postgres),
            Some("mysql" | "mariadb") => Ok(Self::MySql),
            _ => Err(StoreError::Database(
                "reading the database's URL: it must start with sqlite:, postgresql: or mysql:".to_owned(),
            )),
        }
    }
}

/// One connection, for upgrades of the schema. A database that does not exist is not created, except by SQLite's
/// `mode=rwc`.
pub(crate) async fn single(url: &str) -> Result<DatabaseConnection> {
    match Kind::of(url)? {
        Kind::Sqlite => Ok(sqlite::connect(url).await?.write),
        kind @ (Kind::Postgres | Kind::MySql) => server::single(url, kind).await,
    }
}

/// Turns off statement logging: it would drown everything else.
fn quiet(options: &mut ConnectOptions) -> &mut ConnectOptions {
    options.sqlx_logging(false).record_stmt_in_spans(false).acquire_timeout(ACQUIRE_TIMEOUT)
}
