//! `GET /v1/operations/{uuid}`.

use axum::Json;
use axum::extract::{Path, State};
use jeroboam_types::operation::Operation;

use crate::AppState;
use crate::http::{Caller, Params, Result};

/// Shows an operation with its steps.
#[utoipa::path(get, path = "/v1/operations/{uuid}", tag = "operations", params(("uuid" = String, Path)),
    responses((status = 200, body = Operation)))]
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(uuid): Path<String>,
    params: Params,
) -> Result<Json<Operation>> {
    params.finish()?;
    Ok(Json(super::find(&state, &caller, &uuid, "operation:get").await?))
}
