//! `GET /v1/clustertemplates`.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use jeroboam_types::v1::ClusterTemplateList;

use super::view;
use crate::AppState;
use crate::http::{Caller, Params, Result, reply};
use crate::spelling::Spelling;

/// Lists the project's templates and public ones.
#[utoipa::path(get, path = "/v1/clustertemplates", tag = "cluster templates",
    params(("limit" = Option<u64>, Query), ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = ClusterTemplateList)))]
pub(super) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    run(&state, &caller, params, Spelling::Cluster, "").await
}

/// The same; the list is in full already.
#[utoipa::path(get, path = "/v1/clustertemplates/detail", tag = "cluster templates",
    params(("limit" = Option<u64>, Query), ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = ClusterTemplateList)))]
pub(super) async fn detail(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    run(&state, &caller, params, Spelling::Cluster, "/detail").await
}

pub(super) async fn run(
    state: &AppState,
    caller: &Caller,
    params: Params,
    spelling: Spelling,
    tail: &str,
) -> Result<Response> {
    let listing = params.listing(Vec::new())?;
    let rule = spelling.template_rule(if tail.is_empty() { "get_all" } else { "detail" });
    caller.may(&rule)?;
    // Read before the list: if somebody changes a template concurrently, the list is newer than its revision, never
    // older.
    let revision = state.store.templates_revision().await?;
    let (page, scope) = (&listing.page, caller.scope_of(&rule)?);
    let key = format!("{revision} {scope:?} {} {} {spelling:?}{tail} {page:?}", caller.version, caller.base);
    if let Some(body) = state.template_lists.get(&key).await {
        return Ok(reply::json(body));
    }
    let templates = state.store.templates(&scope, page).await?;
    let url = format!("{}/v1/{}{tail}", caller.base, spelling.templates());
    let next = listing.next(&url, templates.iter().map(|template| template.uuid));
    let items = templates.iter().map(|template| view::show(template, caller, spelling)).collect();
    let body = reply::list_body(spelling.templates(), items, next).to_string();
    let body = Bytes::from(body);
    state.template_lists.insert(key, body.clone()).await;
    Ok(reply::json(body))
}
