//! Services (contract workloads-2015 section 2.3).

use axum::extract::{Path, State};
use axum::response::Response;
use jeroboam_engine::manifest::ServiceManifest;
use jeroboam_types::v1::{Service, ServiceList, WorkloadCreate};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{NewWorkload, connect, gone, item, kubernetes, listed, made, shown};
use crate::AppState;
use crate::http::{Caller, JsonObject, Params, Result};

item!(Service, "services");

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(detail)).routes(routes!(show, delete))
}

/// Lists the services of a cluster.
#[utoipa::path(get, path = "/v1/services", tag = "services", params(("bay_ident" = String, Query)),
    responses((status = 200, body = ServiceList)))]
async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, "service:get_all").await?;
    let items = cluster.workloads.services().await?;
    Ok(listed(items, &cluster.record, &caller))
}

/// The same; the list is in full already.
#[utoipa::path(get, path = "/v1/services/detail", tag = "services", params(("bay_ident" = String, Query)),
    responses((status = 200, body = ServiceList)))]
async fn detail(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, "service:detail").await?;
    let items = cluster.workloads.services().await?;
    Ok(listed(items, &cluster.record, &caller))
}

/// Shows a service by id or name.
#[utoipa::path(get, path = "/v1/services/{ident}", tag = "services",
    params(("ident" = String, Path), ("bay_ident" = String, Query)), responses((status = 200, body = Service)))]
async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, "service:get").await?;
    let item = cluster.workloads.service(&ident).await?;
    Ok(shown(item, &cluster.record, &caller))
}

/// Makes a service of a manifest.
#[utoipa::path(post, path = "/v1/services", tag = "services", request_body = WorkloadCreate,
    responses((status = 201, body = Service)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    caller.may("service:create")?;
    params.finish()?;
    let new = NewWorkload::read(body, "service")?;
    let record = new.find_cluster(&state, &caller, "service:create").await?;
    let manifest = ServiceManifest::parse(&new.text(&state).await?)?;
    let cluster = connect(&state, record).await?;
    let item = cluster.workloads.create_service(&manifest).await?;
    Ok(made(item, &cluster.record, &caller))
}

/// Deletes a service by id or name.
#[utoipa::path(delete, path = "/v1/services/{ident}", tag = "services",
    params(("ident" = String, Path), ("bay_ident" = String, Query)), responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, "service:delete").await?;
    cluster.workloads.delete_service(&ident).await?;
    Ok(gone())
}
