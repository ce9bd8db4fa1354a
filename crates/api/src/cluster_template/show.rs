//! `GET /v1/clustertemplates/{ident}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use jeroboam_model::ClusterTemplate;
use jeroboam_store::Tag;
use jeroboam_types::v1::ClusterTemplate as Wire;

use super::view;
use crate::AppState;
use crate::http::{Caller, Params, Result, etag};
use crate::spelling::Spelling;

/// Shows a template by id or name.
#[utoipa::path(get, path = "/v1/clustertemplates/{ident}", tag = "cluster templates", params(("ident" = String, Path)),
    responses((status = 200, body = Wire)))]
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
    params.finish()?;
    let template = state.store.readable_template(&caller.scope_of(&spelling.template_rule("get"))?, ident).await?;
    // Everybody sees public templates (contract magnum-v1 section 5.3), and projects those of their clusters.
    if !template.public && template.project_id != caller.auth.project_id && !caller.is_admin() {
        caller.may(&spelling.template_rule("get"))?;
    } else if !template.public {
        caller.may_on(&spelling.template_rule("get"), &template.project_id, &template.user_id)?;
    }
    Ok(answer(&template, caller, spelling))
}

/// 200 with the template and its tag.
pub(super) fn answer(template: &ClusterTemplate, caller: &Caller, spelling: Spelling) -> Response {
    let body = Json(view::show(template, caller, spelling)).into_response();
    etag::tagged(body, Tag::of(template), caller.version)
}
