//! Errors of workloads.

use thiserror::Error;

/// Errors of pods, services, replication controllers and containers.
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
    /// There is no such object.
    #[error("{0}")]
    NotFound(String),
    /// Such an object exists already, or its state does not allow the request.
    #[error("{0}")]
    Conflict(String),
    /// The engine refused for another reason.
    #[error("{0}")]
    Refused(String),
    /// The command did not finish in time.
    #[error("{0}")]
    TimedOut(String),
    /// The engine does not answer.
    #[error("the cluster's API does not answer: {0}")]
    Unreachable(String),
}
