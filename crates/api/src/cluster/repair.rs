//! `POST /v1/clusters/{ident}/actions/repair`, `/pause` and `/resume`: repairs a cluster on request, and pauses or
//! resumes automatic repairs. Ours.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_model::OperationKind;
use jeroboam_store::NewOperation;
use jeroboam_types::v1::UuidOnly;

use crate::AppState;
use crate::http::{Caller, Params, Result, reply};

/// Replaces what is missing or broken in a cluster, paused or not. Its status does not change.
#[utoipa::path(post, path = "/v1/clusters/{ident}/actions/repair", tag = "clusters", params(("ident" = String, Path),
    ("replace_data" = Option<bool>, Query, description = "Whether a member whose disk is gone with the only copy of the \
     cluster's state may be replaced by an empty one: all that was in the cluster is lost then")),
    responses((status = 202, body = UuidOnly, headers(("X-Jeroboam-Operation" = String, description = "Id of the operation")))))]
pub(super) async fn repair(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    mut params: Params,
) -> Result<Response> {
    let replace_data = params.boolean("replace_data")?.unwrap_or_default();
    params.finish()?;
    let record = super::find_living(&state, &caller, &ident, "cluster:repair").await?;
    let project = &record.cluster.project_id;
    let operation = NewOperation { replace_data, ..caller.operation(OperationKind::Repair, project) };
    let operation = state.store.request_repair(record.id(), operation).await?;
    Ok(reply::accepted(record.cluster.uuid, Some(&operation)))
}

/// Pauses automatic repairs of a cluster, for maintenance. Repairs on request stay possible.
#[utoipa::path(post, path = "/v1/clusters/{ident}/actions/pause", tag = "clusters", params(("ident" = String, Path)),
    responses((status = 204)))]
pub(super) async fn pause(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    set_paused(&state, &caller, &ident, params, true).await
}

/// Resumes automatic repairs of a cluster.
#[utoipa::path(post, path = "/v1/clusters/{ident}/actions/resume", tag = "clusters", params(("ident" = String, Path)),
    responses((status = 204)))]
pub(super) async fn resume(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    set_paused(&state, &caller, &ident, params, false).await
}

async fn set_paused(state: &AppState, caller: &Caller, ident: &str, params: Params, paused: bool) -> Result<Response> {
    params.finish()?;
    let record = super::find(state, caller, ident, "cluster:pause").await?;
    state.store.set_paused(record.id(), paused).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
