//! `DELETE /v1/clustertemplates/{ident}`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::AppState;
use crate::http::{Caller, Params, Result, again};
use crate::spelling::Spelling;

/// Deletes a template that no cluster uses.
#[utoipa::path(delete, path = "/v1/clustertemplates/{ident}", tag = "cluster templates",
    params(("ident" = String, Path)), responses((status = 204)))]
pub(super) async fn delete(
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
    again(|| delete_now(state, caller, ident, spelling)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn delete_now(state: &AppState, caller: &Caller, ident: &str, spelling: Spelling) -> Result<()> {
    let rule = spelling.template_rule("delete");
    let template = state.store.template(&caller.scope_of(&rule)?, ident).await?;
    caller.may_on(&rule, &template.project_id, &template.user_id)?;
    Ok(state.store.delete_template(&template).await?)
}
