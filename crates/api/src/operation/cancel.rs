//! `POST /v1/operations/{uuid}/actions/cancel`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_types::operation::Operation;

use crate::AppState;
use crate::http::{Caller, Params, Result, reply};

/// Cancels an operation. A queued one ends at once, a running one after its current steps.
#[utoipa::path(post, path = "/v1/operations/{uuid}/actions/cancel", tag = "operations", params(("uuid" = String, Path)),
    responses((status = 202, body = Operation)))]
pub(super) async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    Path(uuid): Path<String>,
    params: Params,
) -> Result<Response> {
    params.finish()?;
    let operation = super::find(&state, &caller, &uuid, "operation:cancel").await?;
    let operation = state.store.request_cancel(&caller.scope(), operation.uuid).await?;
    Ok(reply::with_operation((StatusCode::ACCEPTED, Json(&operation)).into_response(), Some(&operation)))
}
