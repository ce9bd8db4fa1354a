//! Bays: the name of clusters up to microversion 1.10.

use axum::extract::{Path, State};
use axum::response::Response;
use jeroboam_types::v1::{self as types, BayCreate, BayList, PatchOperation, UuidOnly};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::view::Form;
use super::{create, delete, list, show, update};
use crate::AppState;
use crate::http::{Caller, JsonObject, JsonPatch, Params, Result};
use crate::spelling::Spelling::Bay;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_bays, create_bay))
        .routes(routes!(detail_bays))
        .routes(routes!(show_bay, update_bay, delete_bay))
}

/// Lists bays.
#[utoipa::path(get, path = "/v1/bays", tag = "bays",
    params(("limit" = Option<u64>, Query), ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = BayList)))]
async fn list_bays(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    list::run(&state, &caller, params, Bay, Form::Summary).await
}

/// Lists bays in full.
#[utoipa::path(get, path = "/v1/bays/detail", tag = "bays",
    params(("limit" = Option<u64>, Query), ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = BayList)))]
async fn detail_bays(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    list::run(&state, &caller, params, Bay, Form::Detail).await
}

/// Shows a bay.
#[utoipa::path(get, path = "/v1/bays/{ident}", tag = "bays", params(("ident" = String, Path)),
    responses((status = 200, body = types::Bay)))]
async fn show_bay(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    show::run(&state, &caller, &ident, params, Bay).await
}

/// Creates a bay.
#[utoipa::path(post, path = "/v1/bays", tag = "bays", request_body = BayCreate,
    responses((status = 201, body = types::Bay), (status = 202, body = UuidOnly)))]
async fn create_bay(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    create::run(&state, &caller, params, body, Bay).await
}

/// Updates a bay.
#[utoipa::path(patch, path = "/v1/bays/{ident}", tag = "bays", params(("ident" = String, Path)),
    request_body = Vec<PatchOperation>,
    responses((status = 200, body = types::Bay), (status = 202, body = UuidOnly)))]
async fn update_bay(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
    JsonPatch(patch): JsonPatch,
) -> Result<Response> {
    update::run(&state, &caller, &ident, params, patch, Bay).await
}

/// Deletes a bay.
#[utoipa::path(delete, path = "/v1/bays/{ident}", tag = "bays", params(("ident" = String, Path)),
    responses((status = 204)))]
async fn delete_bay(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    delete::run(&state, &caller, &ident, params, Bay).await
}
