//! `GET /v1/clusters/{cluster}/nodegroups/{ident}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use jeroboam_types::v1::NodeGroup;

use super::view;
use crate::AppState;
use crate::http::{ApiError, Caller, Params, Result, etag};

/// Shows a node group by id or name.
#[utoipa::path(get, path = "/v1/clusters/{ident}/nodegroups/{group}", tag = "node groups",
    params(("ident" = String, Path), ("group" = String, Path)), responses((status = 200, body = NodeGroup)))]
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path((ident, group)): Path<(String, String)>,
    params: Params,
) -> Result<Response> {
    params.finish()?;
    let record = crate::cluster::find(&state, &caller, &ident, "nodegroup:get").await?;
    let group = super::find(&record, &group)?;
    let body = Json(view::full(&record, group, &caller)).into_response();
    let tag =
        record.group_tag(&group.uuid.to_string()).ok_or_else(|| ApiError::not_found("node group", &group.name))?;
    Ok(etag::tagged(body, tag, caller.version))
}
