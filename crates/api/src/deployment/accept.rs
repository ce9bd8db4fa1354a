//! `POST /v1/deployment/actions/accept`.

use axum::Json;
use axum::extract::State;
use jeroboam_types::v1::Deployment;

use super::view::view;
use crate::AppState;
use crate::http::{Caller, Fields, OptionalObject, Params, Result};

/// Accepts this database as the right one: changes made by the other one are lost. Clusters without any machines are
/// reported as missing.
#[utoipa::path(post, path = "/v1/deployment/actions/accept", tag = "service",
    responses((status = 200, body = Deployment), (status = 409, description = "It is not held")))]
pub(super) async fn accept(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    OptionalObject(body): OptionalObject,
) -> Result<Json<Deployment>> {
    params.finish()?;
    Fields::new(body, "deployment action").finish()?;
    caller.may("deployment:accept")?;
    let chosen = state.lookout.accept().await?;
    tracing::warn!(user = caller.auth.user_id, request = caller.request_id, "deployment accept");
    Ok(Json(view(chosen, state.store.instances().await?)))
}
