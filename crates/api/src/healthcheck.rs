//! `GET /healthcheck`, for load balancers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::AppState;

/// Whether everything that the server needs has started; `/healthcheck` returns 503 until then. Clones share their
/// state.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<AtomicBool>);

impl Default for Readiness {
    /// Ready at once.
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Readiness {
    /// Not ready until [`Self::reached`] is called.
    #[must_use]
    pub fn starting() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    /// Marks the server as ready.
    pub fn reached(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_reached(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Returns 200, or 503 while the server starts or the operator's file takes it out of service.
#[utoipa::path(get, path = "/healthcheck", tag = "service", security(()),
    responses((status = 200, description = "Ready"), (status = 503, description = "Not ready yet, or taken out of service by the operator")))]
pub(crate) async fn show(State(state): State<AppState>) -> Response {
    let is_disabled = match &state.settings.disable_file {
        Some(file) => tokio::fs::try_exists(file).await.unwrap_or(false),
        None => false,
    };
    let refused = |status: &str| (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": status}))).into_response();
    if is_disabled {
        refused("disabled by file")
    } else if !state.settings.readiness.is_reached() {
        refused("starting: agents of nodes cannot connect yet; see the server's log")
    } else {
        Json(json!({"status": "ok"})).into_response()
    }
}
