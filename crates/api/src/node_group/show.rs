//! `GET /v1/clusters/{cluster}/nodegroups/{ident}`.

use axum::Json;
use axum::extract::{Path, State};
use jeroboam_types::v1::NodeGroup;
use serde_json::Value;

use super::view;
use crate::AppState;
use crate::http::{Caller, Params, Result, Version};

/// Shows a node group by id or name.
#[utoipa::path(get, path = "/v1/clusters/{ident}/nodegroups/{group}", tag = "node groups",
    params(("ident" = String, Path), ("group" = String, Path)), responses((status = 200, body = NodeGroup)))]
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path((ident, group)): Path<(String, String)>,
    params: Params,
) -> Result<Json<Value>> {
    caller.version.at_least(Version::NODE_GROUPS, "nodegroups")?;
    params.finish()?;
    let record = crate::cluster::find(&state, &caller, &ident, "nodegroup:get").await?;
    let group = super::find(&record, &group)?;
    Ok(Json(view::full(&record, group, &caller)))
}
