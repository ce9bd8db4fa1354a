//! `GET /v1/clusters`.

use axum::extract::State;
use axum::response::Response;
use jeroboam_types::v1::ClusterList;

use super::view::{self, Form};
use crate::AppState;
use crate::http::{Caller, Params, Result, reply};
use crate::spelling::Spelling;

/// Lists the project's clusters; for admins those of all projects.
#[utoipa::path(get, path = "/v1/clusters", tag = "clusters",
    params(("limit" = Option<u64>, Query), ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = ClusterList)))]
pub(super) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    run(&state, &caller, params, Spelling::Cluster, Form::Summary).await
}

/// Lists the project's clusters in full.
#[utoipa::path(get, path = "/v1/clusters/detail", tag = "clusters",
    params(("limit" = Option<u64>, Query), ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = ClusterList)))]
pub(super) async fn detail(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    run(&state, &caller, params, Spelling::Cluster, Form::Detail).await
}

pub(super) async fn run(
    state: &AppState,
    caller: &Caller,
    params: Params,
    spelling: Spelling,
    form: Form,
) -> Result<Response> {
    let listing = params.listing(Vec::new())?;
    let (rule, tail) = if form == Form::Summary { ("get_all", "") } else { ("detail", "/detail") };
    let rule = spelling.cluster_rule(rule);
    caller.may(&rule)?;
    // Summaries show no addresses, and do not compare labels.
    let records = state.store.shown_clusters(&caller.scope_of(&rule)?, &listing.page, form != Form::Summary).await?;
    let compared = records.iter().filter(|_| form != Form::Summary).map(|record| record.cluster.template);
    let labels = state.store.template_labels(compared.collect()).await?;
    let items = records
        .iter()
        .map(|record| view::show(record, labels.get(&record.cluster.template), caller, spelling, form))
        .collect();
    let url = format!("{}/v1/{}{tail}", caller.base, spelling.clusters());
    let next = listing.next(&url, records.iter().map(|record| record.cluster.uuid));
    Ok(reply::list(spelling.clusters(), items, next))
}
