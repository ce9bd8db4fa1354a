//! `POST /agent/v1/heartbeat`: a node is alive, and nothing has changed since its last report.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jeroboam_store::StoreError;
use jeroboam_types::agent::Heartbeat;
use tokio::time::Instant;

use super::Endpoint;
use super::caller::Certified;
use super::error::AgentError;

pub(super) async fn heartbeat(
    State(endpoint): State<Endpoint>,
    Certified(node): Certified,
    Json(heartbeat): Json<Heartbeat>,
) -> Result<StatusCode, AgentError> {
    match endpoint.hearing.heartbeat(node, heartbeat.seconds, Instant::now()).await {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        // No report is stored: its machine was restarted, or resumed after a pause.
        Ok(false) => Ok(StatusCode::RESET_CONTENT),
        Err(StoreError::NotFound { .. }) => Err(AgentError::Unknown),
        Err(error) => Err(error.into()),
    }
}
