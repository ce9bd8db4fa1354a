//! `DELETE /v1/clusters/{cluster}/nodegroups/{ident}`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_model::OperationKind;

use crate::AppState;
use crate::http::{Caller, Params, Result, reply};

/// Deletes a node group with all its nodes. It is shown in status `DELETE_IN_PROGRESS` until they are deleted.
#[utoipa::path(delete, path = "/v1/clusters/{ident}/nodegroups/{group}", tag = "node groups",
    params(("ident" = String, Path), ("group" = String, Path)),
    responses((status = 204, headers(("X-Jeroboam-Operation" = String, description = "Id of the operation")))))]
pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path((ident, group)): Path<(String, String)>,
    params: Params,
) -> Result<Response> {
    params.finish()?;
    let record = crate::cluster::find_living(&state, &caller, &ident, "nodegroup:delete").await?;
    let group = super::find(&record, &group)?;
    let operation = caller.operation(OperationKind::Update, &record.cluster.project_id);
    let operation = state.store.request_node_group_delete(record.id(), group.uuid, operation).await?;
    Ok(reply::with_operation(StatusCode::NO_CONTENT.into_response(), Some(&operation)))
}
