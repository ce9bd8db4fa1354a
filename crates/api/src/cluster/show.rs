//! `GET /v1/clusters/{ident}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use jeroboam_store::ClusterRecord;
use jeroboam_types::v1::Cluster;
use serde_json::Value;

use super::view::{self, Form};
use crate::AppState;
use crate::http::{Caller, Params, Result, etag, trail};
use crate::spelling::Spelling;

/// Shows a cluster by id or name.
#[utoipa::path(get, path = "/v1/clusters/{ident}", tag = "clusters", params(("ident" = String, Path)),
    responses((status = 200, body = Cluster)))]
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
    let rule = spelling.cluster_rule("get");
    let (record, labels) = state.store.shown_cluster(&caller.scope_of(&rule)?, ident).await?;
    trail::cluster(record.cluster.uuid);
    caller.may_on(&rule, &record.cluster.project_id, &record.cluster.user_id)?;
    let body = Json(view::show(&record, Some(&labels), caller, spelling, Form::One)).into_response();
    Ok(etag::tagged(body, record.tag(), caller.version))
}

/// A cluster in full.
pub(super) async fn one(
    state: &AppState,
    caller: &Caller,
    record: &ClusterRecord,
    spelling: Spelling,
) -> Result<Value> {
    let template = state.store.template_of(&record.cluster).await?;
    Ok(view::show(record, Some(&template.labels), caller, spelling, Form::One))
}
