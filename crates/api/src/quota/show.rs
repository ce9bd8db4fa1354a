//! `GET /v1/quotas/{project_id}/{resource}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_model::QuotaResource;
use jeroboam_store::Tag;
use jeroboam_types::v1::Quota;

use super::view;
use crate::AppState;
use crate::http::{ApiError, ApiReason, Caller, Params, Result, etag};

/// Shows a quota, or the default where the project has none of its own.
#[utoipa::path(get, path = "/v1/quotas/{project_id}/{resource}", tag = "quotas",
    params(("project_id" = String, Path), ("resource" = String, Path)), responses((status = 200, body = Quota)))]
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path((project, resource)): Path<(String, String)>,
    params: Params,
) -> Result<Response> {
    params.finish()?;
    caller.may("quota:get")?;
    if project != caller.auth.project_id && !caller.is_admin() {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            ApiReason::Forbidden,
            "Quotas of another project are shown to admins only.",
        ));
    }
    let known = resource.parse::<QuotaResource>().ok();
    let kept = match known {
        Some(resource) => state.store.quota(&project, resource).await?,
        None => None,
    };
    let body = match &kept {
        Some(quota) => view::show(quota),
        // An unknown resource gets the default for clusters, the oldest kind of quota.
        None => view::default(project, known.unwrap_or(QuotaResource::Cluster), state.settings.quotas),
    };
    let answer = Json(body).into_response();
    // A default cannot be changed, so it has no tag.
    Ok(match &kept {
        Some(quota) => etag::tagged(answer, Tag::of(quota), caller.version),
        None => answer,
    })
}
