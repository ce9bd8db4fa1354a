//! `DELETE /v1/federations/{ident}`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::find;
use crate::AppState;
use crate::http::{Caller, Params, Result};

/// Deletes a federation. Its clusters stay.
#[utoipa::path(delete, path = "/v1/federations/{ident}", tag = "federations", params(("ident" = String, Path)),
    responses((status = 204)))]
pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    params.finish()?;
    let federation = find(&state, &caller, &ident, "federation:delete").await?;
    state.store.delete_federation(&caller.scope(), federation.uuid).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
