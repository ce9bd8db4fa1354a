//! `GET /v1/nodes/{uuid}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use jeroboam_types::v1::LegacyNode;

use super::{find, view};
use crate::AppState;
use crate::http::{Caller, Params, Result};

/// Shows a node.
#[utoipa::path(get, path = "/v1/nodes/{uuid}", tag = "nodes", params(("uuid" = String, Path)),
    responses((status = 200, body = LegacyNode)))]
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    params.finish()?;
    let node = find(&state, &caller, &ident, "node:get").await?;
    Ok(Json(view::show(&node, &caller)).into_response())
}
