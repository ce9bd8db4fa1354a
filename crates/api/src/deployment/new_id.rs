//! `POST /v1/deployment/actions/new-id`.

use axum::Json;
use axum::extract::State;
use jeroboam_types::v1::Deployment;

use super::view::view;
use crate::AppState;
use crate::http::{Caller, Fields, OptionalObject, Params, Result};

/// Gives a copy a new id, so that it becomes a deployment of its own. Clusters whose machines belong to the original
/// are reported as missing.
#[utoipa::path(post, path = "/v1/deployment/actions/new-id", tag = "service",
    responses((status = 200, body = Deployment), (status = 409, description = "It is not held")))]
pub(super) async fn new_id(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    OptionalObject(body): OptionalObject,
) -> Result<Json<Deployment>> {
    params.finish()?;
    Fields::new(body, "deployment action").finish()?;
    caller.may("deployment:new_id")?;
    let chosen = state.lookout.take_new_id().await?;
    tracing::warn!(user = caller.auth.user_id, request = caller.request_id, "deployment new-id");
    Ok(Json(view(chosen, state.store.instances().await?)))
}
