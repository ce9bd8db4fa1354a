//! `PATCH /v1/quotas/{project_id}/{resource}`: an object, not a JSON patch.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_store::StoreError;
use jeroboam_types::v1::{Quota, QuotaUpdate};
use jiff::Timestamp;

use super::{resource, view};
use crate::AppState;
use crate::http::{Caller, Fields, JsonObject, Params, Result};

/// Updates a quota. Existing resources of the project stay, even if they exceed it.
#[utoipa::path(patch, path = "/v1/quotas/{project_id}/{resource}", tag = "quotas",
    params(("project_id" = String, Path), ("resource" = String, Path)), request_body = QuotaUpdate,
    responses((status = 202, body = Quota)))]
pub(super) async fn update(
    State(state): State<AppState>,
    caller: Caller,
    Path((project, name)): Path<(String, String)>,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    params.finish()?;
    let mut fields = Fields::new(body, "quota");
    fields.refuse(&["links", "created_at", "updated_at"])?;
    // The path names these.
    fields.ignore(&["id", "project_id", "resource"]);
    let limit = fields.at_least("hard_limit", 0)?;
    fields.finish()?;
    caller.may("quota:update")?;
    let resource = resource(&name, &project)?;
    let quota = match limit {
        Some(limit) => state.store.update_quota(&project, resource, limit, Timestamp::now()).await?,
        None => state.store.quota(&project, resource).await?.ok_or_else(|| StoreError::NotFound {
            what: "quota",
            ident: format!("of project {project} for {resource}"),
        })?,
    };
    Ok((StatusCode::ACCEPTED, Json(view::show(&quota))).into_response())
}
