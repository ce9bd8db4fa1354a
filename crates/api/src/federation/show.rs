//! `GET /v1/federations/{ident}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use jeroboam_store::Tag;
use jeroboam_types::v1::Federation;

use super::{find, view};
use crate::AppState;
use crate::http::{Caller, Params, Result, etag};

/// Shows a federation by id or name.
#[utoipa::path(get, path = "/v1/federations/{ident}", tag = "federations", params(("ident" = String, Path)),
    responses((status = 200, body = Federation)))]
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    params.finish()?;
    let federation = find(&state, &caller, &ident, "federation:get").await?;
    let body = Json(view::show(&federation, &caller)).into_response();
    Ok(etag::tagged(body, Tag::of(&federation), caller.version))
}
