//! `POST /agent/v1/renew`: a new client certificate for the node that the current one names.

use axum::Json;
use axum::extract::State;
use jeroboam_pki::agent;
use jeroboam_types::agent::{EnrollResponse, RenewRequest};
use jiff::Timestamp;

use super::Endpoint;
use super::caller::Caller;
use super::error::AgentError;

pub(super) async fn renew(
    State(endpoint): State<Endpoint>,
    Caller(node): Caller,
    Json(RenewRequest { csr }): Json<RenewRequest>,
) -> Result<Json<EnrollResponse>, AgentError> {
    let certificate = endpoint.authority.issue(&agent::node_profile(node.uuid), &csr, Timestamp::now())?;
    tracing::info!(node = %node.uuid, name = node.name, "renewed the certificate of an agent");
    Ok(Json(EnrollResponse { certificate }))
}
