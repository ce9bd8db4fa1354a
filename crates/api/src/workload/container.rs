//! Containers (contract workloads-2015 section 2.5).

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use futures::StreamExt;
use http::StatusCode;
use jeroboam_engine::WorkloadError;
use jeroboam_engine::swarm::{Containers, NewContainer};
use jeroboam_model::EngineKind;
use jeroboam_store::{ClusterRecord, Page};
use jeroboam_types::v1::{Container, ContainerCreate, ContainerList, ContainerOutput};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{BODY_CLUSTER, Item, QUERY_CLUSTER, cluster, gone, item, listed, made, shown, swarm};
use crate::AppState;
use crate::http::{ApiError, ApiReason, Caller, Fields, JsonObject, Params, Result, reply, trail};

/// Swarms queried concurrently when a client names none.
const AT_ONCE: usize = 8;

/// Timeout of a command. Below the usual timeout of clients and proxies, 60 s, by enough time to kill the command.
const COMMAND_LIMIT: Duration = Duration::from_secs(50);

/// Longest command, in characters (contract: 255; longer ones are useful and harmless).
const MAX_COMMAND: usize = 4096;

item!(Container, "containers");

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(detail))
        .routes(routes!(show, delete))
        .routes(routes!(logs))
        .routes(routes!(execute))
}

/// Lists the containers of a cluster, or of all of the project's swarms.
#[utoipa::path(get, path = "/v1/containers", tag = "containers", params(("bay_ident" = Option<String>, Query)),
    responses((status = 200, body = ContainerList)))]
async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    run_list(&state, &caller, params, "container:get_all").await
}

/// The same; the list is in full already.
#[utoipa::path(get, path = "/v1/containers/detail", tag = "containers", params(("bay_ident" = Option<String>, Query)),
    responses((status = 200, body = ContainerList)))]
async fn detail(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    run_list(&state, &caller, params, "container:detail").await
}

async fn run_list(state: &AppState, caller: &Caller, mut params: Params, rule: &str) -> Result<Response> {
    caller.may(rule)?;
    let ident = params.take(QUERY_CLUSTER).filter(|ident| !ident.is_empty());
    params.finish()?;
    if let Some(ident) = ident {
        let record = cluster(state, caller, &ident, EngineKind::SWARM, NAMED_BY_QUERY).await?;
        caller.may_on(rule, &record.cluster.project_id, &record.cluster.user_id)?;
        let containers = swarm(state, &record).await?.list().await?;
        return Ok(listed(containers, &record, caller));
    }
    // A swarm that does not respond is skipped; it must not hide the containers of the others.
    let found = ask_all(state, caller, |containers| async move { containers.list().await }).await?;
    let mut items = Vec::new();
    for (record, answer) in found {
        match answer {
            Ok(containers) => items.extend(
                containers
                    .into_iter()
                    .map(|container| Value::Object(reply::attributes(container.placed(&record, caller)))),
            ),
            Err(error) => tracing::warn!(cluster = %record.cluster.uuid, detail = error.detail, "listing containers"),
        }
    }
    Ok(reply::list(Container::COLLECTION, items, None))
}

/// The query parameter that names a cluster, and the status when there is none.
pub(super) const NAMED_BY_QUERY: (&str, StatusCode) = (QUERY_CLUSTER, StatusCode::NOT_FOUND);

/// Queries all swarms that the caller sees and that have an API.
async fn ask_all<T, F>(
    state: &AppState,
    caller: &Caller,
    ask: impl Fn(Containers) -> F + Copy,
) -> Result<Vec<(ClusterRecord, Result<T>)>>
where
    F: Future<Output = std::result::Result<T, WorkloadError>>,
{
    let records = state.store.clusters(&caller.scope(), &Page::default()).await?;
    let swarms = records
        .into_iter()
        .filter(|record| record.cluster.engine == EngineKind::SWARM && record.cluster.api_address.is_some());
    let answers = futures::stream::iter(swarms)
        .map(|record| async move {
            let answer = async { Ok(ask(swarm(state, &record).await?).await?) }.await;
            (record, answer)
        })
        .buffered(AT_ONCE);
    Ok(answers.collect().await)
}

/// The cluster of a container, if the caller may do `rule`: the one that the query names, or the one that has the
/// container.
async fn find(
    state: &AppState,
    caller: &Caller,
    ident: &str,
    mut params: Params,
    rule: &str,
) -> Result<(ClusterRecord, Containers)> {
    // Before any swarm is queried.
    caller.may(rule)?;
    let bay = params.take(QUERY_CLUSTER);
    params.finish()?;
    let record = match bay.filter(|bay| !bay.is_empty()) {
        Some(bay) => cluster(state, caller, &bay, EngineKind::SWARM, NAMED_BY_QUERY).await?,
        None => search(state, caller, ident).await?,
    };
    trail::cluster(record.cluster.uuid);
    caller.may_on(rule, &record.cluster.project_id, &record.cluster.user_id)?;
    let containers = swarm(state, &record).await?;
    Ok((record, containers))
}

async fn search(state: &AppState, caller: &Caller, ident: &str) -> Result<ClusterRecord> {
    let ask = |containers: Containers| async move { containers.show(ident).await };
    let (mut found, mut silent) = (Vec::new(), None);
    for (record, answer) in ask_all(state, caller, ask).await? {
        match answer {
            Ok(_) => found.push(record),
            Err(error) if error.status == StatusCode::NOT_FOUND => {}
            Err(error) => silent = Some(error),
        }
    }
    match (found.pop(), found.is_empty(), silent) {
        (Some(record), true, _) => Ok(record),
        (Some(_), false, _) => Err(ApiError::new(
            StatusCode::CONFLICT,
            ApiReason::AmbiguousName,
            format!("Multiple containers are named {ident}. Give the uuid, or the cluster with {QUERY_CLUSTER}."),
        )),
        (None, _, Some(error)) => Err(error),
        (None, _, None) => Err(ApiError::not_found("container", ident)),
    }
}

/// Shows a container by id or name.
#[utoipa::path(get, path = "/v1/containers/{ident}", tag = "containers",
    params(("ident" = String, Path), ("bay_ident" = Option<String>, Query)), responses((status = 200, body = Container)))]
async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    let (record, containers) = find(&state, &caller, &ident, params, "container:get").await?;
    Ok(shown(containers.show(&ident).await?, &record, &caller))
}

/// Creates a container and starts it.
#[utoipa::path(post, path = "/v1/containers", tag = "containers", request_body = ContainerCreate,
    responses((status = 201, body = Container)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    caller.may("container:create")?;
    params.finish()?;
    let mut fields = Fields::new(body, "container");
    fields.refuse(&["links", "created_at", "updated_at", "host"])?;
    fields.ignore(&["status"]);
    let ident = fields.required_text(BODY_CLUSTER)?;
    let uuid = match fields.text("uuid")? {
        None => Uuid::new_v4(),
        Some(text) => text.parse().map_err(|_| ApiError::field("uuid", "must be a uuid"))?,
    };
    let new = NewContainer {
        uuid,
        name: fields.text("name")?,
        image: fields.required_text("image")?,
        command: fields.text_of("command", 0, MAX_COMMAND)?.filter(|command| !command.is_empty()),
        memory: fields.text("memory")?,
        environment: fields.labels("environment")?.unwrap_or_default(),
    };
    fields.finish()?;
    let named_by = (BODY_CLUSTER, StatusCode::BAD_REQUEST);
    let record = cluster(&state, &caller, &ident, EngineKind::SWARM, named_by).await?;
    caller.may_on("container:create", &record.cluster.project_id, &record.cluster.user_id)?;
    let container = swarm(&state, &record).await?.create(&new).await?;
    Ok(made(container, &record, &caller))
}

/// Deletes a container, running or not.
#[utoipa::path(delete, path = "/v1/containers/{ident}", tag = "containers",
    params(("ident" = String, Path), ("bay_ident" = Option<String>, Query)), responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    let (_, containers) = find(&state, &caller, &ident, params, "container:delete").await?;
    containers.delete(&ident).await?;
    Ok(gone())
}

/// Shows the logs of a container.
#[utoipa::path(get, path = "/v1/containers/{ident}/logs", tag = "containers",
    params(("ident" = String, Path), ("bay_ident" = Option<String>, Query)),
    responses((status = 200, body = ContainerOutput)))]
async fn logs(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Json<ContainerOutput>> {
    let (_, containers) = find(&state, &caller, &ident, params, "container:logs").await?;
    Ok(Json(containers.logs(&ident).await?))
}

/// Runs a command in a container and waits until it finishes. After 50 seconds it is killed, and the response is 504.
#[utoipa::path(put, path = "/v1/containers/{ident}/execute", tag = "containers",
    params(("ident" = String, Path), ("command" = String, Query), ("bay_ident" = Option<String>, Query)),
    responses((status = 200, body = ContainerOutput)))]
async fn execute(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    mut params: Params,
) -> Result<Json<ContainerOutput>> {
    caller.may("container:execute")?;
    let command = params.take("command").filter(|command| !command.is_empty());
    let command = command.ok_or_else(|| ApiError::field("command", "is required"))?;
    let (_, containers) = find(&state, &caller, &ident, params, "container:execute").await?;
    Ok(Json(containers.exec(&ident, &command, COMMAND_LIMIT).await?))
}
