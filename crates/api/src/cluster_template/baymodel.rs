//! Baymodels: the name of cluster templates up to microversion 1.10.

use axum::extract::{Path, State};
use axum::response::Response;
use jeroboam_types::v1::{BaymodelList, ClusterTemplate, ClusterTemplateCreate, PatchOperation};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{create, delete, list, show, update};
use crate::AppState;
use crate::http::{Caller, JsonObject, JsonPatch, Params, Result};
use crate::spelling::Spelling::Bay;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_baymodels, create_baymodel))
        .routes(routes!(detail_baymodels))
        .routes(routes!(show_baymodel, update_baymodel, delete_baymodel))
}

/// Lists baymodels.
#[utoipa::path(get, path = "/v1/baymodels", tag = "baymodels",
    params(("limit" = Option<u64>, Query), ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = BaymodelList)))]
async fn list_baymodels(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    list::run(&state, &caller, params, Bay, "").await
}

/// Lists baymodels in full.
#[utoipa::path(get, path = "/v1/baymodels/detail", tag = "baymodels",
    params(("limit" = Option<u64>, Query), ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = BaymodelList)))]
async fn detail_baymodels(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    list::run(&state, &caller, params, Bay, "/detail").await
}

/// Shows a baymodel.
#[utoipa::path(get, path = "/v1/baymodels/{ident}", tag = "baymodels", params(("ident" = String, Path)),
    responses((status = 200, body = ClusterTemplate)))]
async fn show_baymodel(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    show::run(&state, &caller, &ident, params, Bay).await
}

/// Creates a baymodel.
#[utoipa::path(post, path = "/v1/baymodels", tag = "baymodels", request_body = ClusterTemplateCreate,
    responses((status = 201, body = ClusterTemplate)))]
async fn create_baymodel(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    create::run(&state, &caller, params, body, Bay).await
}

/// Updates a baymodel.
#[utoipa::path(patch, path = "/v1/baymodels/{ident}", tag = "baymodels", params(("ident" = String, Path)),
    request_body = Vec<PatchOperation>, responses((status = 200, body = ClusterTemplate)))]
async fn update_baymodel(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
    JsonPatch(patch): JsonPatch,
) -> Result<Response> {
    update::run(&state, &caller, &ident, params, patch, Bay).await
}

/// Deletes a baymodel.
#[utoipa::path(delete, path = "/v1/baymodels/{ident}", tag = "baymodels", params(("ident" = String, Path)),
    responses((status = 204)))]
async fn delete_baymodel(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    delete::run(&state, &caller, &ident, params, Bay).await
}
