//! Replication controllers (contract workloads-2015 section 2.3).

use axum::extract::{Path, State};
use axum::response::Response;
use jeroboam_engine::manifest::ReplicationControllerManifest;
use jeroboam_types::v1::{ReplicationController, ReplicationControllerList, WorkloadCreate};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{NewWorkload, connect, gone, item, kubernetes, listed, made, shown};
use crate::AppState;
use crate::http::{Caller, JsonObject, Params, Result};

item!(ReplicationController, "rcs");

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(detail)).routes(routes!(show, delete))
}

/// Lists the replication controllers of a cluster.
#[utoipa::path(get, path = "/v1/rcs", tag = "replication controllers", params(("bay_ident" = String, Query)),
    responses((status = 200, body = ReplicationControllerList)))]
async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, "rc:get_all").await?;
    let items = cluster.workloads.replication_controllers().await?;
    Ok(listed(items, &cluster.record, &caller))
}

/// The same; the list is in full already.
#[utoipa::path(get, path = "/v1/rcs/detail", tag = "replication controllers", params(("bay_ident" = String, Query)),
    responses((status = 200, body = ReplicationControllerList)))]
async fn detail(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, "rc:detail").await?;
    let items = cluster.workloads.replication_controllers().await?;
    Ok(listed(items, &cluster.record, &caller))
}

/// Shows a replication controller by id or name.
#[utoipa::path(get, path = "/v1/rcs/{ident}", tag = "replication controllers",
    params(("ident" = String, Path), ("bay_ident" = String, Query)), responses((status = 200, body = ReplicationController)))]
async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, "rc:get").await?;
    let item = cluster.workloads.replication_controller(&ident).await?;
    Ok(shown(item, &cluster.record, &caller))
}

/// Makes a replication controller of a manifest.
#[utoipa::path(post, path = "/v1/rcs", tag = "replication controllers", request_body = WorkloadCreate,
    responses((status = 201, body = ReplicationController)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    caller.may("rc:create")?;
    params.finish()?;
    let new = NewWorkload::read(body, "replication controller")?;
    let record = new.find_cluster(&state, &caller, "rc:create").await?;
    let manifest = ReplicationControllerManifest::parse(&new.text(&state).await?)?;
    let cluster = connect(&state, record).await?;
    let item = cluster.workloads.create_replication_controller(&manifest).await?;
    Ok(made(item, &cluster.record, &caller))
}

/// Deletes a replication controller by id or name.
#[utoipa::path(delete, path = "/v1/rcs/{ident}", tag = "replication controllers",
    params(("ident" = String, Path), ("bay_ident" = String, Query)), responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, "rc:delete").await?;
    cluster.workloads.delete_replication_controller(&ident).await?;
    Ok(gone())
}
