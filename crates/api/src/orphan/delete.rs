//! `DELETE /v1/orphans/{uuid}`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::AppState;
use crate::http::{ApiError, Caller, Params, Result};

/// Deletes everything of an orphan: machines, disks with their data, networks.
#[utoipa::path(delete, path = "/v1/orphans/{uuid}", tag = "service", params(("uuid" = String, Path)),
    responses((status = 204)))]
pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(uuid): Path<String>,
    params: Params,
) -> Result<Response> {
    params.finish()?;
    caller.may("orphan:delete")?;
    let cluster = uuid.parse().map_err(|_| ApiError::not_found("orphan", &uuid))?;
    let orphan = state.lookout.remove_orphan(cluster).await?;
    tracing::warn!(
        %cluster,
        name = orphan.name,
        project = orphan.project_id,
        machines = orphan.machines.len(),
        disks = orphan.disks.len(),
        user = caller.auth.user_id,
        request = caller.request_id,
        "an orphan was removed on request"
    );
    Ok(StatusCode::NO_CONTENT.into_response())
}
