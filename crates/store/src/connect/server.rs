//! PostgreSQL, MariaDB and MySQL: pools of connections and their settings (decision 29).

use std::time::Duration;

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};

use super::{Connections, Kind, quiet};
use crate::error::Doing;
use crate::{Result, StoreError};

/// Connections of one process for writes, and as many for reads. Transactions take milliseconds, so that this serves
/// more requests than one process answers; six processes fit into the default limits of PostgreSQL (100 connections)
/// and MariaDB (151).
const CONNECTIONS: u32 = 8;

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(300);

/// How long a connection is used at most: after a fail-over, or when servers are added behind a load balancer, all
/// processes have moved after this time.
const LIFETIME: Duration = Duration::from_secs(1800);

/// How long a statement waits for a lock, in seconds. Holders keep locks for milliseconds; a write that has waited for
/// longer is reported as busy, or retried if there is time.
const LOCK_SECONDS: u32 = 3;

/// How long a statement may run, in seconds. The longest of ours, deleting old history, take a second.
const STATEMENT_SECONDS: u32 = 30;

/// After this time, in seconds, PostgreSQL ends a transaction whose process does nothing: a process that was stopped
/// must not keep its locks.
const IDLE_TRANSACTION_SECONDS: u32 = 30;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Opens the pools of connections.
pub(super) async fn connect(url: &str, kind: Kind) -> Result<Connections> {
    let (write, read) = (pool(url, kind).await?, pool(url, kind).await?);
    Ok(Connections { write, read, quick: None })
}

async fn pool(url: &str, kind: Kind) -> Result<DatabaseConnection> {
    let mut options = options(url);
    options
        .max_connections(CONNECTIONS)
        .min_connections(1)
        // A server that has restarted has closed its connections. The test costs a round trip, and spares every caller
        // from handling that.
        .test_before_acquire(true)
        .idle_timeout(IDLE)
        .max_lifetime(LIFETIME);
    if kind == Kind::Postgres {
        postgres(&mut options);
    } else {
        mysql(&mut options);
    }
    Database::connect(options).await.doing("opening the database")
}

/// One connection without time-outs, for upgrades of the schema.
pub(super) async fn single(url: &str, kind: Kind) -> Result<DatabaseConnection> {
    reach(url, kind).await?;
    let mut options = options(url);
    options.max_connections(1).min_connections(1).idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
    Database::connect(options).await.doing("opening the database")
}

/// Connects once without a pool, which would retry until its time-out and lose the reason.
async fn reach(url: &str, kind: Kind) -> Result<()> {
    let url = driver_url(url);
    let connect = async {
        match kind {
            Kind::Postgres => sqlx::PgConnection::connect(&url).await?.close().await,
            Kind::MySql | Kind::Sqlite => sqlx::MySqlConnection::connect(&url).await?.close().await,
        }
    };
    let why = match tokio::time::timeout(CONNECT, connect).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", CONNECT.as_secs()),
    };
    Err(StoreError::Database(format!(
        "connecting to the database server: {why}. Check that it runs, and that the URL has the right host, port, user, \
         password and database"
    )))
}

/// The driver knows only one name of each.
fn driver_url(url: &str) -> String {
    url.replacen("postgresql:", "postgres:", 1).replacen("mariadb:", "mysql:", 1)
}

fn options(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(driver_url(url));
    quiet(&mut options);
    options
}

fn postgres(options: &mut ConnectOptions) {
    options.set_application_name("jeroboam").map_sqlx_postgres_pool_opts(|pool| {
        pool.after_connect(|connection, _| {
            Box::pin(async move {
                let settings = format!(
                    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED;
                     SET lock_timeout = '{LOCK_SECONDS}s';
                     SET statement_timeout = '{STATEMENT_SECONDS}s';
                     SET idle_in_transaction_session_timeout = '{IDLE_TRANSACTION_SECONDS}s'"
                );
                connection.execute(AssertSqlSafe(settings)).await.map(|_| ())
            })
        })
    });
}

fn mysql(options: &mut ConnectOptions) {
    options.map_sqlx_mysql_pool_opts(|pool| {
        pool.after_connect(|connection, _| {
            Box::pin(async move {
                let version: String = connection.fetch_one("SELECT VERSION()").await?.try_get(0)?;
                // MySQL limits only queries, in milliseconds. Reads from a node of a Galera cluster wait until it has
                // what other nodes have committed: otherwise a resource that was just created would seem to be
                // missing. Without a cluster the setting has no effect.
                let own = if version.contains("MariaDB") {
                    format!("max_statement_time = {STATEMENT_SECONDS}, wsrep_sync_wait = 7")
                } else {
                    format!("max_execution_time = {STATEMENT_SECONDS}000")
                };
                connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
                // A value that does not fit its column is an error, whatever the server's default.
                let settings = format!(
                    "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'),
                     innodb_lock_wait_timeout = {LOCK_SECONDS}, {own}"
                );
                connection.execute(AssertSqlSafe(settings)).await.map(|_| ())
            })
        })
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_cannot_be_reached_is_reported_with_the_reason_and_without_the_password() {
        for (kind, scheme) in [(Kind::Postgres, "postgresql"), (Kind::MySql, "mariadb")] {
            // Nothing listens on port 1 (tcpmux).
            let error = single(&format!("{scheme}://user:sekret@127.0.0.1:1/jeroboam"), kind).await.unwrap_err();
            let StoreError::Database(why) = error else { panic!("{error:?}") };
            assert!(why.contains("Connection refused") && why.contains("right host"), "{why}");
            assert!(!why.contains("sekret"), "{why}");
        }
    }
}
