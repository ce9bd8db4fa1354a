//! `DELETE /v1/quotas/{project_id}/{resource}`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::resource;
use crate::AppState;
use crate::http::{Caller, Params, Result};

/// Deletes a quota: from then on the default applies.
#[utoipa::path(delete, path = "/v1/quotas/{project_id}/{resource}", tag = "quotas",
    params(("project_id" = String, Path), ("resource" = String, Path)), responses((status = 204)))]
pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path((project, name)): Path<(String, String)>,
    params: Params,
) -> Result<Response> {
    params.finish()?;
    caller.may("quota:delete")?;
    state.store.delete_quota(&project, resource(&name, &project)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
