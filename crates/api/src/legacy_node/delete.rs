//! `DELETE /v1/nodes/{uuid}`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::find;
use crate::AppState;
use crate::http::{Caller, Params, Result};

/// Deletes a node.
#[utoipa::path(delete, path = "/v1/nodes/{uuid}", tag = "nodes", params(("uuid" = String, Path)),
    responses((status = 204)))]
pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    params.finish()?;
    let node = find(&state, &caller, &ident, "node:delete").await?;
    state.store.delete_legacy_node(&caller.scope(), node.uuid).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
