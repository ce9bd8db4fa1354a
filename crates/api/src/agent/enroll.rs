//! `POST /agent/v1/enroll`: exchanges a one-time token for a client certificate.

use axum::Json;
use axum::extract::State;
use jeroboam_pki::{SigningRequest, agent};
use jeroboam_store::StoreError;
use jeroboam_types::agent::{EnrollRequest, EnrollResponse};
use jiff::Timestamp;

use super::Endpoint;
use super::error::AgentError;

pub(super) async fn enroll(
    State(endpoint): State<Endpoint>,
    Json(request): Json<EnrollRequest>,
) -> Result<Json<EnrollResponse>, AgentError> {
    // Before the token is used up: a request that cannot be signed must not cost the token.
    let key = SigningRequest::read(&request.csr)?.key_hash()?;
    let now = Timestamp::now();
    match endpoint.store.enroll(request.node, &agent::token_hash(&request.token), &key, now).await {
        Ok(()) => {}
        // The same response for all cases, so that callers cannot distinguish an unknown node from a wrong token.
        Err(StoreError::NotFound { .. }) => {
            tracing::warn!(node = %request.node, "enrolling an agent: no such token");
            return Err(AgentError::Unauthorized("The enrolment token is unknown, used or expired."));
        }
        Err(error) => return Err(error.into()),
    }
    let certificate = endpoint.authority.issue(&agent::node_profile(request.node), &request.csr, now)?;
    tracing::info!(node = %request.node, "agent enrolled");
    Ok(Json(EnrollResponse { certificate }))
}
