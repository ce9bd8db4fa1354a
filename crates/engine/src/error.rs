//! What can go wrong with workloads.

use thiserror::Error;

/// What can go wrong with pods, services, replication controllers and containers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WorkloadError {
    /// Input is wrong: names the field.
    #[error("{field}: {message}")]
    Invalid {
        /// `manifest`, `manifest_url`, `name`, `image`, or a path inside the manifest.
        field: String,
        /// What is wrong with it.
        message: String,
    },
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// There is such a thing already, or its state does not allow what was asked.
    #[error("{0}")]
    Conflict(String),
    /// The engine refused for a reason of its own.
    #[error("{0}")]
    Refused(String),
    /// What was started did not end in time.
    #[error("{0}")]
    TimedOut(String),
    /// The engine does not answer.
    #[error("the cluster's API does not answer: {0}")]
    Unreachable(String),
}
