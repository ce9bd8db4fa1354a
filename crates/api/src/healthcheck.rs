//! `GET /healthcheck`, for load balancers.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::AppState;

/// 200, or 503 while the operator's file says that nobody should be sent here.
#[utoipa::path(get, path = "/healthcheck", tag = "service", security(()),
    responses((status = 200, description = "Ready"), (status = 503, description = "Taken out of service by the operator")))]
pub(crate) async fn show(State(state): State<AppState>) -> Response {
    let is_disabled = match &state.settings.disable_file {
        Some(file) => tokio::fs::try_exists(file).await.unwrap_or(false),
        None => false,
    };
    if is_disabled {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "disabled by file"}))).into_response()
    } else {
        Json(json!({"status": "ok"})).into_response()
    }
}
