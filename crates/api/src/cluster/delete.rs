//! `DELETE /v1/clusters/{ident}`: allowed in every status, and repeatable.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_model::OperationKind;

use crate::AppState;
use crate::http::{Caller, Params, Result, reply};
use crate::spelling::Spelling;

/// Deletes a cluster. It is shown in status `DELETE_IN_PROGRESS` until all its resources are deleted.
#[utoipa::path(delete, path = "/v1/clusters/{ident}", tag = "clusters", params(("ident" = String, Path)),
    responses((status = 204, headers(("X-Jeroboam-Operation" = String, description = "Id of the operation")))))]
pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    run(&state, &caller, &ident, params, Spelling::Cluster).await
}

pub(super) async fn run(
    state: &AppState,
    caller: &Caller,
    ident: &str,
    params: Params,
    spelling: Spelling,
) -> Result<Response> {
    params.finish()?;
    let record = super::find(state, caller, ident, &spelling.cluster_rule("delete")).await?;
    let operation = caller.operation(OperationKind::Delete, &record.cluster.project_id);
    let operation = state.store.request_delete(record.id(), operation).await?;
    Ok(reply::with_operation(StatusCode::NO_CONTENT.into_response(), Some(&operation)))
}
