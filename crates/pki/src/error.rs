//! What can go wrong with keys and certificates.

use std::path::PathBuf;

use thiserror::Error;

/// What can go wrong with our own keys and authorities. None of it is the fault of whoever sent a request; for that
/// see [`crate::CsrError`].
#[derive(Debug, Error)]
pub enum PkiError {
    /// A key file cannot be read or written.
    #[error("{doing} the encryption key {}: {source}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// `reading` or `writing`.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A key file may be read by others than its owner.
    #[error("the encryption key {0} may be read by others (mode {mode:o}): run 'chmod 600 {0}', and if others have \
             access to this machine, consider what the key protects as known to them", path.display())]
    KeyFileExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key file holds something else.
    #[error("the encryption key {} does not hold 32 bytes in Base64: restore it from a backup", path.display())]
    KeyFileInvalid {
        /// The file.
        path: PathBuf,
    },
    /// Sealing a secret failed.
    #[error("sealing a secret failed")]
    Sealing,
    /// A sealed secret does not open.
    #[error(
        "a secret does not open: it was sealed with another key, for something else, or was changed since; \
             check that the encryption key belongs to this database"
    )]
    Opening,
    /// No random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// A certificate or key of ours is malformed.
    #[error("{what} is malformed: {detail}")]
    Malformed {
        /// For example `the authority's certificate`.
        what: &'static str,
        /// What the parser said.
        detail: String,
    },
    /// Making a certificate or a key failed.
    #[error("{doing} failed: {detail}")]
    Making {
        /// For example `signing a certificate`.
        doing: &'static str,
        /// What the library said.
        detail: String,
    },
}
