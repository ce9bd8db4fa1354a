//! `POST /v1/quotas`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_model::{Quota, QuotaResource};
use jeroboam_types::v1::{Quota as Wire, QuotaCreate};
use jiff::Timestamp;

use super::{resources, view};
use crate::AppState;
use crate::http::{ApiError, Caller, Fields, JsonObject, Params, Result, gate};

/// Attributes that clients may not set.
const READ_ONLY: [&str; 3] = ["links", "created_at", "updated_at"];

/// The limit when a client gives none.
const DEFAULT_LIMIT: u32 = 1;

/// Creates a quota.
#[utoipa::path(post, path = "/v1/quotas", tag = "quotas", request_body = QuotaCreate,
    responses((status = 201, body = Wire)))]
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    params.finish()?;
    let mut fields = Fields::new(body, "quota");
    fields.refuse(&READ_ONLY)?;
    let id = fields.at_least("id", 1)?.unwrap_or(0);
    let project_id = fields.required_text("project_id")?;
    let resource = match fields.text("resource")? {
        None => QuotaResource::Cluster,
        Some(text) => text
            .parse()
            .map_err(|_| ApiError::field("resource", format!("must be one of {}, this is '{text}'", resources())))?,
    };
    let hard_limit = fields.at_least("hard_limit", 0)?.unwrap_or(DEFAULT_LIMIT);
    fields.finish()?;
    caller.may("quota:create")?;
    if !state.identity.has_project(&project_id).await.map_err(|error| gate::unavailable(&error))? {
        return Err(ApiError::not_found("project", &project_id).about("project_id"));
    }
    let quota =
        Quota { id: id.into(), project_id, resource, hard_limit, created_at: Timestamp::now(), updated_at: None };
    let quota = state.store.create_quota(&quota).await?;
    Ok((StatusCode::CREATED, Json(view::show(&quota))).into_response())
}
