//! `GET /v1/clustertemplates/{ident}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use jeroboam_types::v1::ClusterTemplate;

use super::view;
use crate::AppState;
use crate::http::{Caller, Params, Result};
use crate::spelling::Spelling;

/// Shows a template by id or name.
#[utoipa::path(get, path = "/v1/clustertemplates/{ident}", tag = "cluster templates", params(("ident" = String, Path)),
    responses((status = 200, body = ClusterTemplate)))]
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    run(&state, &caller, &ident, params, Spelling::Cluster).await
}

pub(super) async fn run(
    state: &AppState,
    caller: &Caller,
    ident: &str,
    params: Params,
    spelling: Spelling,
) -> Result<Response> {
    spelling.check(caller.version)?;
    params.finish()?;
    let template = state.store.template(&caller.scope(), ident).await?;
    // Public ones are for everybody (contract magnum-v1 section 5.3).
    if !template.public {
        caller.may_on(&spelling.template_rule("get"), &template.project_id, &template.user_id)?;
    }
    Ok(Json(view::show(&template, caller, spelling)).into_response())
}
