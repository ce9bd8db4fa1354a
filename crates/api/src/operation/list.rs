//! `GET /v1/operations`.

use axum::Json;
use axum::extract::State;
use jeroboam_types::operation::OperationList;

use crate::AppState;
use crate::http::{Caller, Params, Result};

/// Lists operations, newest first, without their steps; also those of deleted clusters.
#[utoipa::path(get, path = "/v1/operations", tag = "operations",
    params(("cluster" = Option<String>, Query, description = "Id or name of a cluster"),
        ("limit" = Option<u64>, Query), ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = OperationList)))]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    mut params: Params,
) -> Result<Json<OperationList>> {
    let cluster = params.take("cluster");
    let listing = params.listing(cluster.iter().map(|cluster| ("cluster", cluster.clone())).collect())?;
    caller.may("operation:get_all")?;
    let operations =
        state.store.operations(&caller.scope_of("operation:get_all")?, cluster.as_deref(), &listing.page).await?;
    let url = format!("{}/v1/operations", caller.base);
    let next = listing.next(&url, operations.iter().map(|operation| operation.uuid));
    Ok(Json(OperationList { operations, next }))
}
