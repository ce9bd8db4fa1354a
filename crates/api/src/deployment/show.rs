//! `GET /v1/deployment`.

use axum::Json;
use axum::extract::State;
use jeroboam_types::v1::Deployment;

use super::view::view;
use crate::AppState;
use crate::http::{Caller, Params, Result};

/// Shows the deployment, and if it is held, why nothing is created or removed.
#[utoipa::path(get, path = "/v1/deployment", tag = "service", responses((status = 200, body = Deployment)))]
pub(super) async fn show(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<Deployment>> {
    params.finish()?;
    caller.may("deployment:get")?;
    let deployment = state.store.deployment().await?;
    Ok(Json(view(deployment, state.store.instances().await?)))
}
