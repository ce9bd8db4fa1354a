//! What can go wrong with the store, by what the caller can do about it.

use jeroboam_model::status::Request;
use jeroboam_model::{FieldError, QuotaResource, Status};
use sea_orm::sqlx::error::DatabaseError;
use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};
use thiserror::Error;

/// An outcome of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What can go wrong with the store.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// There is no such thing, or none that the caller may see.
    #[error("{what} {ident} could not be found.")]
    NotFound {
        /// What was looked for, for example `cluster`.
        what: &'static str,
        /// By which id or name.
        ident: String,
    },
    /// A name that several visible things have.
    #[error("More than one {what} is named {ident}. Give its uuid instead.")]
    Ambiguous {
        /// What was looked for.
        what: &'static str,
        /// By which name.
        ident: String,
    },
    /// What is there does not go with what is asked for.
    #[error("{0}")]
    Conflict(String),
    /// A value that cannot be with what else is there at the moment of writing.
    #[error("{0}")]
    Unfit(FieldError),
    /// Somebody else has changed a thing since the caller read what this write is built on; nothing was written.
    #[error("The {what} was changed by somebody else meanwhile; nothing was written. Try again.")]
    Overtaken {
        /// What was changed, for example `cluster template`.
        what: &'static str,
    },
    /// Still needed by something else.
    #[error("{0}")]
    InUse(String),
    /// The project has as many as it may have.
    #[error("The quota of {limit} for {resource} is reached.")]
    QuotaReached {
        /// What is limited.
        resource: QuotaResource,
        /// How many there may be.
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
    /// The request was to change the thing only in a state that it is not in.
    #[error("It is not in the state that the request speaks of; nothing was changed.")]
    PreconditionFailed,
    /// The request was a dry run, or was to be carried out only as it was planned and is not: nothing was written.
    #[error("It was a dry run, or has become another request than was planned; nothing was changed.")]
    DryRun,
    /// Another request with the same idempotency key was faster; nothing was written.
    #[error("Another request with the same idempotency key was faster.")]
    KeyTaken,
    /// This database may be older than what was made with it, or a copy: nothing begins until the operator has chosen.
    #[error("Nothing is made or removed until the operator has chosen: {found}")]
    Held {
        /// What was found.
        found: String,
    },
    /// A list cannot be sorted by this.
    #[error("Lists cannot be sorted by '{0}'.")]
    BadSortKey(String),
    /// Somebody else has the operation by now, or it has ended: nothing was written.
    #[error("The lease on the operation is lost; nothing was written.")]
    LeaseLost,
    /// The database is locked by somebody else for longer than we wait. Passes by itself; nothing was written.
    #[error("The database is busy ({0}). Try again in a moment.")]
    Busy(String),
    /// The database cannot be written: disk full, read-only or failing. Nothing was written. The operator's move.
    #[error("The database cannot be written ({0}). Free or repair the disk that it lies on.")]
    Full(String),
    /// Anything else that the database says, or content that makes no sense.
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

    /// There is no such thing.
    pub(crate) fn not_found(what: &'static str, ident: impl std::fmt::Display) -> Self {
        Self::NotFound { what, ident: ident.to_string() }
    }
}

/// Says what was being done when the database refused.
pub(crate) trait Doing<T> {
    /// `doing` goes before the database's own words, for example `reading clusters`.
    fn doing(self, doing: &str) -> Result<T>;
}

impl<T> Doing<T> for std::result::Result<T, DbErr> {
    fn doing(self, doing: &str) -> Result<T> {
        self.map_err(|error| classify(doing, &error))
    }
}

/// Whether an insert was refused because somebody else had inserted the same before.
pub(crate) fn is_duplicate(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// Whether a write was refused because something points at a row, or would point at one that is not there.
pub(crate) fn is_dangling(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_)))
}

/// Which sort of trouble an error of the database is.
pub(crate) fn classify(doing: &str, error: &DbErr) -> StoreError {
    let said = format!("{doing}: {error}");
    match error {
        DbErr::ConnectionAcquire(_) => StoreError::Busy(said),
        DbErr::Conn(RuntimeErr::SqlxError(inner))
        | DbErr::Exec(RuntimeErr::SqlxError(inner))
        | DbErr::Query(RuntimeErr::SqlxError(inner)) => match inner.as_ref() {
            sqlx::Error::Database(inner) => match trouble(inner.as_ref()) {
                Trouble::Locked => StoreError::Busy(said),
                Trouble::Unwritable => StoreError::Full(said),
                Trouble::Other => StoreError::Database(said),
            },
            sqlx::Error::PoolTimedOut => StoreError::Busy(said),
            _ => StoreError::Database(said),
        },
        _ => StoreError::Database(said),
    }
}

enum Trouble {
    Locked,
    Unwritable,
    Other,
}

/// SQLite gives its extended result codes as numbers (sqlite.org/rescode.html), PostgreSQL and MySQL give SQLSTATEs
/// of five characters; the two cannot be confused, as SQLite's are below 10000.
fn trouble(error: &(dyn DatabaseError + 'static)) -> Trouble {
    let code = error.code().unwrap_or_default();
    if code.len() < 5
        && let Ok(number) = code.parse::<u32>()
    {
        // The low byte of an extended code is the primary one.
        return match number & 0xff {
            // SQLITE_BUSY, SQLITE_LOCKED
            5 | 6 => Trouble::Locked,
            // SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN
            8 | 10 | 13 | 14 => Trouble::Unwritable,
            _ => Trouble::Other,
        };
    }
    match code.as_ref() {
        // serialization_failure, deadlock_detected, lock_not_available
        "40001" | "40P01" | "55P03" => Trouble::Locked,
        // disk_full, read_only_sql_transaction, io_error
        "53100" | "25006" | "58030" => Trouble::Unwritable,
        // MySQL has no SQLSTATE of its own for these (1205, 1021, 1114, 1290).
        "HY000" if error.message().starts_with("Lock wait timeout") => Trouble::Locked,
        "HY000"
            if [
                "Disk full",
                "The table",
                "The MySQL server is running with the --read-only",
                "The MariaDB server is running with the --read-only",
            ]
            .iter()
            .any(|start| error.message().starts_with(start)) =>
        {
            Trouble::Unwritable
        }
        _ => Trouble::Other,
    }
}
