//! `GET /v1/federations`.

use axum::extract::State;
use axum::response::Response;
use jeroboam_model::Federation;
use jeroboam_types::v1::FederationList;
use serde_json::Value;

use super::view;
use crate::AppState;
use crate::http::{Caller, Params, Result, reply};

/// Lists the project's federations; for admins those of all projects.
#[utoipa::path(get, path = "/v1/federations", tag = "federations",
    params(("limit" = Option<u64>, Query), ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = FederationList)))]
pub(super) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    run(&state, &caller, params, ("federation:get_all", ""), view::summary).await
}

/// Lists the project's federations in full.
#[utoipa::path(get, path = "/v1/federations/detail", tag = "federations",
    params(("limit" = Option<u64>, Query), ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = FederationList)))]
pub(super) async fn detail(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    run(&state, &caller, params, ("federation:detail", "/detail"), view::show).await
}

async fn run(
    state: &AppState,
    caller: &Caller,
    params: Params,
    (rule, tail): (&str, &str),
    view: fn(&Federation, &Caller) -> Value,
) -> Result<Response> {
    let listing = params.listing(Vec::new())?;
    caller.may(rule)?;
    let federations = state.store.federations(&caller.scope(), &listing.page).await?;
    let url = format!("{}/v1/federations{tail}", caller.base);
    let next = listing.next(&url, federations.iter().map(|federation| federation.uuid));
    let items = federations.iter().map(|federation| view(federation, caller)).collect();
    Ok(reply::list("federations", items, next))
}
