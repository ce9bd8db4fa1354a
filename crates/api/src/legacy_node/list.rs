//! `GET /v1/nodes`.

use axum::extract::State;
use axum::response::Response;
use jeroboam_model::LegacyNode;
use jeroboam_types::v1::LegacyNodeList;
use serde_json::Value;

use super::view;
use crate::AppState;
use crate::http::{Caller, Params, Result, reply};

/// Lists the project's nodes.
#[utoipa::path(get, path = "/v1/nodes", tag = "nodes",
    params(("limit" = Option<u64>, Query), ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = LegacyNodeList)))]
pub(super) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    run(&state, &caller, params, ("node:get_all", ""), view::summary).await
}

/// Lists the project's nodes in full.
#[utoipa::path(get, path = "/v1/nodes/detail", tag = "nodes",
    params(("limit" = Option<u64>, Query), ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = LegacyNodeList)))]
pub(super) async fn detail(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    run(&state, &caller, params, ("node:detail", "/detail"), view::show).await
}

async fn run(
    state: &AppState,
    caller: &Caller,
    params: Params,
    (rule, tail): (&str, &str),
    view: fn(&LegacyNode, &Caller) -> Value,
) -> Result<Response> {
    let listing = params.listing(Vec::new())?;
    caller.may(rule)?;
    let nodes = state.store.legacy_nodes(&caller.scope(), &listing.page).await?;
    let next = listing.next(&format!("{}/v1/nodes{tail}", caller.base), nodes.iter().map(|node| node.uuid));
    Ok(reply::list("nodes", nodes.iter().map(|node| view(node, caller)).collect(), next))
}
