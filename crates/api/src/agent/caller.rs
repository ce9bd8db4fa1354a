//! Who calls.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jeroboam_model::Node;
use jeroboam_store::StoreError;
use tokio::time::Instant;
use uuid::Uuid;

use super::Endpoint;
use super::error::AgentError;

/// The node that the connection's certificate names, if it came with one. Set for every request of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) Option<Uuid>);

/// The id of the node that calls, by the certificate that it has shown. Whether it is still known was not looked up.
pub(super) struct Certified(pub(super) Uuid);

impl FromRequestParts<Endpoint> for Certified {
    type Rejection = AgentError;

    async fn from_request_parts(parts: &mut Parts, endpoint: &Endpoint) -> Result<Self, AgentError> {
        let Some(Peer(Some(node))) = parts.extensions.get::<Peer>().copied() else {
            return Err(AgentError::Unauthorized("This call needs the client certificate that enrolling gives out."));
        };
        // Before anything that may take its time.
        endpoint.hearing.word(node, Instant::now());
        Ok(Self(node))
    }
}

/// The node that calls: it has shown its certificate, and it is still known.
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
