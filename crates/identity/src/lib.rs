//! Authentication and authorization. Independent of how clusters are stored.
//!
//! - [`Identity`]: validates a token and returns an [`Auth`]. There is one implementation, [`Embedded`].
//! - [`embedded`]: projects, users and roles in a file of the data folder.
//! - [`keystone`]: the part of the Keystone v3 API that clients need to log in and to find the endpoint.
//! - [`policy`]: who may do what (contract magnum-v1 section 5).
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod embedded;
mod files;
pub mod keystone;
mod password;
pub mod policy;
mod token;

use async_trait::async_trait;
pub use embedded::{Embedded, Settings};
use jiff::Timestamp;
use thiserror::Error;

/// The caller: the content of a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// Id of the user.
    pub user_id: String,
    /// Name of the user.
    pub user_name: String,
    /// Id of the project that the token is for.
    pub project_id: String,
    /// Name of that project.
    pub project_name: String,
    /// Names of the roles that the user has in it, implied ones included.
    pub roles: Vec<String>,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthError {
    /// Not a token of ours, expired, revoked, or its user is gone. Not reported which, to give attackers no hint.
    #[error("The request you have made requires authentication")]
    Invalid,
    /// Valid, but for no project.
    #[error("The token is not for a project. Log in again with a project")]
    Unscoped,
    /// The identity service does not answer.
    #[error("The identity service does not answer: {0}")]
    Unavailable(String),
}

/// Authenticates callers by their tokens.
#[async_trait]
pub trait Identity: Send + Sync {
    /// Validates a token.
    ///
    /// # Errors
    /// See [`AuthError`].
    async fn validate(&self, token: &str) -> Result<Auth, AuthError>;

    /// Whether there is a project of this id.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    async fn has_project(&self, id: &str) -> Result<bool, AuthError>;

    /// URL at which clients log in, for the header `WWW-Authenticate`. `None` when it is [`keystone::PREFIX`] at the
    /// address that the request was sent to.
    fn auth_url(&self) -> Option<String>;
}

/// Errors of the embedded identity's files and hashes.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// A file could not be read or written.
    #[error("{doing} {path}: {source}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: String,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A file is readable by others than its owner.
    #[error("{path} holds secrets and can be read by others (mode {mode:o}). Run: chmod 600 {path}")]
    Exposed {
        /// The file.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// The content of a file is invalid.
    #[error("{path} is damaged: {reason}. Restore it, or move it away to start with new users and passwords")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Hashing or sealing failed.
    #[error("{0}")]
    Crypto(&'static str),
}
