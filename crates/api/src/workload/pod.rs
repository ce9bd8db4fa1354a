//! Pods (contract workloads-2015 section 2.3).

use axum::extract::{Path, State};
use axum::response::Response;
use jeroboam_engine::manifest::PodManifest;
use jeroboam_types::v1::{Pod, PodList, WorkloadCreate};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{NewWorkload, connect, gone, item, kubernetes, listed, made, shown};
use crate::AppState;
use crate::http::{Caller, JsonObject, Params, Result};

item!(Pod, "pods");

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(detail)).routes(routes!(show, delete))
}

/// Lists the pods of a cluster.
#[utoipa::path(get, path = "/v1/pods", tag = "pods", params(("bay_ident" = String, Query)),
    responses((status = 200, body = PodList)))]
async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, "pod:get_all").await?;
    let items = cluster.workloads.pods().await?;
    Ok(listed(items, &cluster.record, &caller))
}

/// The same; the list is in full already.
#[utoipa::path(get, path = "/v1/pods/detail", tag = "pods", params(("bay_ident" = String, Query)),
    responses((status = 200, body = PodList)))]
async fn detail(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, "pod:detail").await?;
    let items = cluster.workloads.pods().await?;
    Ok(listed(items, &cluster.record, &caller))
}

/// Shows a pod by id or name.
#[utoipa::path(get, path = "/v1/pods/{ident}", tag = "pods",
    params(("ident" = String, Path), ("bay_ident" = String, Query)), responses((status = 200, body = Pod)))]
async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, "pod:get").await?;
    let item = cluster.workloads.pod(&ident).await?;
    Ok(shown(item, &cluster.record, &caller))
}

/// Makes a pod of a manifest.
#[utoipa::path(post, path = "/v1/pods", tag = "pods", request_body = WorkloadCreate,
    responses((status = 201, body = Pod)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    caller.may("pod:create")?;
    params.finish()?;
    let new = NewWorkload::read(body, "pod")?;
    let record = new.find_cluster(&state, &caller, "pod:create").await?;
    let manifest = PodManifest::parse(&new.text(&state).await?)?;
    let cluster = connect(&state, record).await?;
    let item = cluster.workloads.create_pod(&manifest).await?;
    Ok(made(item, &cluster.record, &caller))
}

/// Deletes a pod by id or name.
#[utoipa::path(delete, path = "/v1/pods/{ident}", tag = "pods",
    params(("ident" = String, Path), ("bay_ident" = String, Query)), responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, "pod:delete").await?;
    cluster.workloads.delete_pod(&ident).await?;
    Ok(gone())
}
