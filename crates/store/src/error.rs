//! Errors of the store, grouped by what the caller can do about them.

use jeroboam_model::status::Request;
use jeroboam_model::{FieldError, QuotaResource, Status};
use sea_orm::sqlx::error::DatabaseError;
use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};
use thiserror::Error;

use crate::write;

/// Result of a call of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// An error of the store.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// It does not exist, or the caller may not see it.
    #[error("{what} {ident} could not be found.")]
    NotFound {
        /// What was looked for, for example `cluster`.
        what: &'static str,
        /// Its id or name.
        ident: String,
    },
    /// Several visible resources have this name.
    #[error("More than one {what} is named {ident}. Give its uuid instead.")]
    Ambiguous {
        /// What was looked for.
        what: &'static str,
        /// The name.
        ident: String,
    },
    /// The request conflicts with the present state.
    #[error("{0}")]
    Conflict(String),
    /// A value that does not fit the state of other fields or resources at the moment of writing.
    #[error("{0}")]
    Unfit(FieldError),
    /// The resource was changed since the caller read it; nothing was written.
    #[error("The {what} was changed concurrently; nothing was written. Try again.")]
    Overtaken {
        /// What was changed, for example `cluster template`.
        what: &'static str,
    },
    /// Still in use by something else.
    #[error("{0}")]
    InUse(String),
    /// The project has reached its quota.
    #[error("The quota of {limit} for {resource} is reached.")]
    QuotaReached {
        /// The limited resource.
        resource: QuotaResource,
        /// The limit.
        limit: u32,
    },
    /// The request is not legal in the status of the cluster or node group (contract magnum-v1 section 7.3).
    #[error("Status {status} does not allow {request}.")]
    NotAllowed {
        /// The status.
        status: Status,
        /// What was asked of it.
        request: Request,
    },
    /// The request's precondition does not hold for the resource.
    #[error("The precondition of the request does not hold; nothing was changed.")]
    PreconditionFailed,
    /// The request was a dry run, or its result differs from what was planned: nothing was written.
    #[error("The request was a dry run, or its result differs from the plan; nothing was changed.")]
    DryRun,
    /// Another request with the same idempotency key came first; nothing was written.
    #[error("Another request with the same idempotency key came first.")]
    KeyTaken,
    /// This database may be outdated or a copy: no operation starts until the operator has chosen.
    #[error("Nothing is created or deleted until the operator has chosen: {found}")]
    Held {
        /// What was found.
        found: String,
    },
    /// Lists cannot be sorted by this key.
    #[error("Lists cannot be sorted by '{0}'.")]
    BadSortKey(String),
    /// Another conductor has the operation by now, or it has finished: nothing was written.
    #[error("The lease on the operation is lost; nothing was written.")]
    LeaseLost,
    /// Another process holds the database lock for longer than we wait. Retry; nothing was written.
    #[error("The database is busy ({0}). Try again in a moment.")]
    Busy(String),
    /// The database cannot be written: disk full, read-only or failing. Nothing was written. The operator must act.
    #[error("The database cannot be written ({0}). Free space on its disk, or repair the disk.")]
    Full(String),
    /// Any other error of the database, or content that cannot be decoded.
    #[error("Database error: {0}")]
    Database(String),
}

impl StoreError {
    /// Refuses a request that is not legal in a status.
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`].
    pub fn unless_allowed(status: Status, request: Request) -> Result<()> {
        if status.allows(request) { Ok(()) } else { Err(Self::NotAllowed { status, request }) }
    }

    /// The resource does not exist.
    pub(crate) fn not_found(what: &'static str, ident: impl std::fmt::Display) -> Self {
        Self::NotFound { what, ident: ident.to_string() }
    }
}

/// Adds to a database error what was being done.
pub(crate) trait Doing<T> {
    /// `doing` precedes the underlying error, for example `reading clusters`.
    fn doing(self, doing: &str) -> Result<T>;
}

impl<T> Doing<T> for std::result::Result<T, DbErr> {
    fn doing(self, doing: &str) -> Result<T> {
        self.map_err(|error| classify(doing, &error))
    }
}

/// Whether an insert violated a unique constraint.
pub(crate) fn is_duplicate(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// Whether a write violated a foreign key: other rows reference the row, or the row that it references does not exist.
pub(crate) fn is_dangling(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_)))
}

/// Maps an error of a commit. If the connection was lost, the server may have committed or not.
pub(crate) fn of_commit(doing: &str, error: &DbErr) -> StoreError {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner))
            if matches!(inner.as_ref(), sqlx::Error::Io(_)) =>
        {
            StoreError::Database(format!("{doing}: the connection was lost during the commit: {error}"))
        }
        _ => classify(doing, error),
    }
}

/// Maps a database error to a [`StoreError`].
pub(crate) fn classify(doing: &str, error: &DbErr) -> StoreError {
    let said = format!("{doing}: {error}");
    match error {
        DbErr::ConnectionAcquire(_) => StoreError::Busy(said),
        DbErr::Conn(RuntimeErr::SqlxError(inner))
        | DbErr::Exec(RuntimeErr::SqlxError(inner))
        | DbErr::Query(RuntimeErr::SqlxError(inner)) => match inner.as_ref() {
            sqlx::Error::Database(inner) => match trouble(inner.as_ref()) {
                Trouble::Conflict => {
                    write::note_conflict();
                    StoreError::Busy(said)
                }
                Trouble::Busy => StoreError::Busy(said),
                Trouble::Unwritable => StoreError::Full(said),
                Trouble::Other => StoreError::Database(said),
            },
            // A database server that restarts or cannot be reached.
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) => StoreError::Busy(said),
            _ => StoreError::Database(said),
        },
        _ => StoreError::Database(said),
    }
}

enum Trouble {
    /// Another transaction was in the way: this one can be repeated at once.
    Conflict,
    /// It may work later.
    Busy,
    Unwritable,
    Other,
}

/// SQLite reports its extended result codes as numbers (sqlite.org/rescode.html), PostgreSQL and MySQL report SQLSTATEs
/// of five characters; the two cannot be confused, as SQLite's are below 10000.
fn trouble(error: &(dyn DatabaseError + 'static)) -> Trouble {
    let code = error.code().unwrap_or_default();
    if code.len() < 5
        && let Ok(number) = code.parse::<u32>()
    {
        // The low byte of an extended code is the primary one.
        return match number & 0xff {
            // SQLITE_BUSY, SQLITE_LOCKED
            5 | 6 => Trouble::Busy,
            // SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN
            8 | 10 | 13 | 14 => Trouble::Unwritable,
            _ => Trouble::Other,
        };
    }
    let message = error.message();
    let starts = |with: &[&str]| with.iter().any(|start| message.starts_with(start));
    match code.as_ref() {
        // serialization_failure (MySQL: also deadlocks, and a Galera cluster's rejected commits), deadlock_detected,
        // lock_not_available
        "40001" | "40P01" | "55P03" => Trouble::Conflict,
        // disk_full, read_only_sql_transaction, io_error
        "53100" | "25006" | "58030" => Trouble::Unwritable,
        // too_many_connections, query_canceled, idle_in_transaction_session_timeout, and three kinds of shutdown
        "53300" | "57014" | "25P03" | "57P01" | "57P02" | "57P03" => Trouble::Busy,
        // MariaDB: max_statement_time exceeded
        "70100" => Trouble::Busy,
        // Connections; MariaDB also: too many of them, shutdown, a node of a Galera cluster that is not ready
        _ if code.starts_with("08") => Trouble::Busy,
        // MySQL has no SQLSTATE of its own for these errors (1205, 1020, 3024, 1021, 1114, 1290).
        "HY000" if starts(&["Lock wait timeout", "Record has changed since last read"]) => Trouble::Conflict,
        "HY000" if starts(&["Query execution was interrupted"]) => Trouble::Busy,
        "HY000"
            if starts(&[
                "Disk full",
                "The table",
                "The MySQL server is running with the --read-only",
                "The MariaDB server is running with the --read-only",
            ]) =>
        {
            Trouble::Unwritable
        }
        _ => Trouble::Other,
    }
}
