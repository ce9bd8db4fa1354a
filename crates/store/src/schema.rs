//! The version of the database's schema, and its upgrade.
//!
//! Several processes may upgrade at once: one does the work while the others wait for a lock of the database. A Galera
//! cluster has no lock that spans its nodes. There an upgrade that fails because another process was faster looks at the
//! schema again.

use std::collections::BTreeSet;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use sea_orm_migration::{MigratorTrait, SchemaManager};

use crate::connect;
use crate::error::Doing;
use crate::migration::Migrator;
use crate::{Result, StoreError};

/// Table with the names of the migrations that were applied.
const APPLIED: &str = "seaql_migrations";

/// The lock that upgrades of PostgreSQL take. Any number will do that nothing else in the database uses.
const LOCK: &str = "SELECT pg_advisory_lock(7464358211)";

/// The same in MariaDB and MySQL, where names are those of the whole server; waits for an hour.
const NAMED_LOCK: &str = "SELECT GET_LOCK(CONCAT('jeroboam.', DATABASE()), 3600)";

/// How often an upgrade is tried, and the pause in between: see above.
const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// The state of a database's schema, as names of migrations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Migrations that were applied, oldest first.
    pub applied: Vec<String>,
    /// Migrations of this version of the program that were not.
    pub pending: Vec<String>,
    /// Migrations that were applied and that this version does not know: a newer one did.
    pub unknown: Vec<String>,
}

impl Schema {
    /// The schema of the database at `url`. Changes nothing.
    ///
    /// # Errors
    /// When the database cannot be opened or read.
    pub async fn read(url: &str) -> Result<Self> {
        let connection = connect::single(url).await?;
        let schema = Self::of(&connection).await;
        connection.close().await.doing("closing the database")?;
        schema
    }

    /// Upgrades the schema of the database at `url` to that of this version. Returns what was applied.
    ///
    /// # Errors
    /// When the schema is a newer one, or the database cannot be opened or changed.
    pub async fn upgrade(url: &str) -> Result<Vec<String>> {
        let connection = connect::single(url).await?;
        let upgraded = upgrade(&connection).await;
        // Also releases the lock.
        connection.close().await.doing("closing the database")?;
        upgraded
    }

    async fn of(connection: &DatabaseConnection) -> Result<Self> {
        let doing = "reading the version of the database's schema";
        let mut there = BTreeSet::new();
        if SchemaManager::new(connection).has_table(APPLIED).await.doing(doing)? {
            let rows = Migrator::get_migration_models(connection).await.doing(doing)?;
            there.extend(rows.into_iter().map(|row| row.version));
        }
        let known = Migrator::migrations().into_iter().map(|migration| migration.name().to_owned());
        let (applied, pending) = known.partition(|name| there.remove(name));
        Ok(Self { applied, pending, unknown: there.into_iter().collect() })
    }

    fn refuse_newer(&self) -> Result<()> {
        if self.unknown.is_empty() {
            return Ok(());
        }
        Err(StoreError::Database(format!(
            "the schema of the database is newer than this version of Jeroboam, which does not know {}. Start the \
             version that upgraded it, or restore a backup from before the upgrade",
            self.unknown.join(", ")
        )))
    }
}

/// Upgrades through this connection, which must be the only one of its pool: locks belong to connections.
pub(crate) async fn upgrade(connection: &DatabaseConnection) -> Result<Vec<String>> {
    let doing = "waiting for another upgrade of the database's schema";
    match connection.get_database_backend() {
        DbBackend::Postgres => connection.execute_unprepared(LOCK).await.map(|_| ()).doing(doing)?,
        DbBackend::MySql => connection.execute_unprepared(NAMED_LOCK).await.map(|_| ()).doing(doing)?,
        // SQLite locks the file for each migration, and the data folder belongs to one process.
        _ => {}
    }
    let before = Schema::of(connection).await?;
    for attempt in 1.. {
        let now = Schema::of(connection).await?;
        now.refuse_newer()?;
        if now.pending.is_empty() {
            break;
        }
        match Migrator::up(connection, None).await.doing("upgrading the database's schema") {
            Ok(()) => break,
            Err(error) if attempt == ATTEMPTS => return Err(error),
            Err(error) => tracing::warn!(%error, attempt, "the upgrade of the schema is tried again"),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(before.pending)
}
