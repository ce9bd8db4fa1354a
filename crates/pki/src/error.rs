//! Errors of keys and certificates.

use std::path::PathBuf;

use thiserror::Error;

/// Errors of our own keys and authorities. For errors of a client's request see [`crate::CsrError`].
#[derive(Debug, Error)]
pub enum PkiError {
    /// A key file cannot be read or written.
    #[error("{doing} the encryption key {}: {source}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// `reading` or `writing`.
        doing: &'static str,
        /// The operating system's error.
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
    /// The content of a key file is invalid.
    #[error("the encryption key {} does not hold 32 bytes in Base64: restore it from a backup", path.display())]
    KeyFileInvalid {
        /// The file.
        path: PathBuf,
    },
    /// A secret could not be encrypted.
    #[error("sealing a secret failed")]
    Sealing,
    /// A secret could not be decrypted.
    #[error(
        "a secret does not open: it was sealed with another key, for something else, or was changed since; \
             check that the encryption key belongs to this database"
    )]
    Opening,
    /// The system provides no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// A certificate or key of ours is malformed.
    #[error("{what} is malformed: {detail}")]
    Malformed {
        /// For example `the authority's certificate`.
        what: &'static str,
        /// The parser's error.
        detail: String,
    },
    /// A certificate or a key could not be created.
    #[error("{doing} failed: {detail}")]
    Making {
        /// For example `signing a certificate`.
        doing: &'static str,
        /// The library's error.
        detail: String,
    },
}
