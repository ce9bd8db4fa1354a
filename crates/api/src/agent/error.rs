//! Errors of calls, and their responses: a status and one line of text, for the agent's log.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jeroboam_pki::{CsrError, PkiError};
use jeroboam_store::StoreError;

/// Seconds after which an agent may retry a call that cannot be served right now.
const RETRY_AFTER: &str = "1";

/// Why a call failed.
#[derive(Debug)]
pub(super) enum AgentError {
    /// No certificate, or no good token.
    Unauthorized(&'static str),
    /// This node may not have what it requests.
    Forbidden(String),
    /// The node is no longer known: it was deleted.
    Gone,
    /// The node is not known here. It may have been deleted, or the database may be older than the node: its agent goes
    /// on unchanged.
    Unknown,
    /// The request is invalid.
    Invalid(String),
    /// Not available yet; the agent retries.
    Unavailable(String),
    /// An internal error: its details go to the log only.
    Internal(String),
}

impl From<StoreError> for AgentError {
    fn from(error: StoreError) -> Self {
        match error {
            // All lookups here are of the calling node or its cluster.
            StoreError::NotFound { .. } => Self::Gone,
            StoreError::Busy(_) => Self::Unavailable("the database is busy".to_owned()),
            StoreError::Full(_) => {
                tracing::error!("a call of an agent: {error}");
                Self::Unavailable("the server cannot write to its database".to_owned())
            }
            error => Self::Internal(error.to_string()),
        }
    }
}

impl From<PkiError> for AgentError {
    fn from(error: PkiError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<CsrError> for AgentError {
    fn from(error: CsrError) -> Self {
        match error {
            CsrError::Internal(error) => error.into(),
            error => Self::Invalid(error.to_string()),
        }
    }
}

impl IntoResponse for AgentError {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthorized(why) => (StatusCode::UNAUTHORIZED, why).into_response(),
            Self::Forbidden(why) => (StatusCode::FORBIDDEN, why).into_response(),
            Self::Unknown => (StatusCode::NOT_FOUND, "This node is not known here.").into_response(),
            Self::Gone => (StatusCode::GONE, "This node is no longer known.").into_response(),
            Self::Invalid(why) => (StatusCode::BAD_REQUEST, why).into_response(),
            Self::Unavailable(why) => {
                (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, RETRY_AFTER)], why).into_response()
            }
            Self::Internal(why) => {
                tracing::error!("a call of an agent failed: {why}");
                (StatusCode::INTERNAL_SERVER_ERROR, "The server failed; its log says why.").into_response()
            }
        }
    }
}
