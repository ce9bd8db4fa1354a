//! `GET /v1/stats`: how many clusters and nodes there are (contract magnum-v1 section 2.8).

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jeroboam_store::Scope;
use jeroboam_types::v1::Stats;

use crate::AppState;
use crate::http::{ApiError, ApiReason, Caller, Params, Result};

/// Counts clusters and nodes, masters included, of a project; of all projects for admins who name none.
#[utoipa::path(get, path = "/v1/stats", tag = "service",
    params(("project_id" = Option<String>, Query), ("type" = Option<String>, Query)),
    responses((status = 200, body = Stats)))]
pub(crate) async fn show(State(state): State<AppState>, caller: Caller, mut params: Params) -> Result<Json<Stats>> {
    let project = params.take("project_id");
    if let Some(kind) = params.take("type").filter(|kind| !kind.eq_ignore_ascii_case("cluster")) {
        return Err(ApiError::field("type", format!("must be cluster, this is '{kind}'")));
    }
    params.finish()?;
    caller.may("stats:get_all")?;
    let scope = match project {
        None => caller.scope(),
        Some(project) if project == caller.auth.project_id || caller.is_admin() => Scope::Project(project),
        Some(_) => {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                ApiReason::Forbidden,
                "Counts of another project are shown to admins only.",
            ));
        }
    };
    let stats = state.store.stats(&scope).await?;
    Ok(Json(Stats { clusters: stats.clusters, nodes: stats.nodes }))
}
