//! `GET /v1/stats`: how many clusters and nodes there are (contract magnum-v1 section 2.8).

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jeroboam_store::{Page, Scope};
use serde_json::{Value, json};

use crate::AppState;
use crate::http::params::MAX_LIMIT;
use crate::http::{ApiError, Caller, Params, Result};

/// Counts clusters and nodes, masters included, of a project; of all for admins who name none.
#[utoipa::path(get, path = "/v1/stats", tag = "service",
    params(("project_id" = Option<String>, Query), ("type" = Option<String>, Query)),
    responses((status = 200, description = "Counts")))]
pub(crate) async fn show(State(state): State<AppState>, caller: Caller, mut params: Params) -> Result<Json<Value>> {
    let project = params.take("project_id");
    if let Some(kind) = params.take("type").filter(|kind| !kind.eq_ignore_ascii_case("cluster")) {
        return Err(ApiError::field("type", format!("must be cluster, this is '{kind}'")));
    }
    params.finish()?;
    caller.may("stats:get_all")?;
    let scope = match project {
        None => caller.scope(),
        Some(project) if project == caller.auth.project_id || caller.auth.is_admin() => Scope::Project(project),
        Some(_) => {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "Counts of another project are shown to admins only.",
            ));
        }
    };
    let (mut clusters, mut nodes) = (0, 0);
    let mut page = Page { limit: MAX_LIMIT, ..Page::default() };
    loop {
        let records = state.store.clusters(&scope, &page).await?;
        clusters += records.len();
        nodes += records.iter().flat_map(|record| &record.groups).map(|group| u64::from(group.node_count)).sum::<u64>();
        match records.last() {
            Some(last) if records.len() as u64 >= MAX_LIMIT => page.marker = Some(last.cluster.uuid),
            _ => return Ok(Json(json!({"clusters": clusters, "nodes": nodes}))),
        }
    }
}
