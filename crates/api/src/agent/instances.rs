//! `GET /agent/v1/instances/{uuid}`: whether another server works with the same database. Called by that server.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use uuid::Uuid;

use super::Endpoint;
use super::error::AgentError;

pub(super) async fn instances(
    State(endpoint): State<Endpoint>,
    Path(instance): Path<Uuid>,
) -> Result<StatusCode, AgentError> {
    let known = endpoint.store.knows_instance(instance).await?;
    Ok(if known { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}
