//! The node that calls.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jeroboam_model::Node;
use jeroboam_store::StoreError;
use tokio::time::Instant;
use uuid::Uuid;

use super::Endpoint;
use super::error::AgentError;

/// The node that the connection's client certificate names, if it has one. Set for every request of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) Option<Uuid>);

/// The id of the calling node, from its client certificate. The node may no longer exist in the database.
pub(super) struct Certified(pub(super) Uuid);

impl FromRequestParts<Endpoint> for Certified {
    type Rejection = AgentError;

    async fn from_request_parts(parts: &mut Parts, endpoint: &Endpoint) -> Result<Self, AgentError> {
        let Some(Peer(Some(node))) = parts.extensions.get::<Peer>().copied() else {
            return Err(AgentError::Unauthorized("This call needs the client certificate that enrolment returns."));
        };
        // Before anything that may take time.
        endpoint.hearing.word(node, Instant::now());
        Ok(Self(node))
    }
}

/// The calling node: authenticated by its certificate, and still in the database.
pub(super) struct Caller(pub(super) Node);

impl FromRequestParts<Endpoint> for Caller {
    type Rejection = AgentError;

    async fn from_request_parts(parts: &mut Parts, endpoint: &Endpoint) -> Result<Self, AgentError> {
        let Certified(node) = Certified::from_request_parts(parts, endpoint).await?;
        match endpoint.store.node(node).await {
            Ok(node) => Ok(Self(node)),
            Err(StoreError::NotFound { .. }) => Err(AgentError::Unknown),
            Err(error) => Err(error.into()),
        }
    }
}
