//! `POST /v1/clusters/{cluster}/nodegroups`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_model::status::Request;
use jeroboam_model::{NodeGroup as Group, OperationKind, labels};
use jeroboam_store::{ClusterRecord, Page, Scope, StoreError};
use jeroboam_types::operation::Operation;
use jeroboam_types::v1::{NodeGroup, NodeGroupCreate};
use uuid::Uuid;

use super::draft::Draft;
use super::view;
use crate::AppState;
use crate::http::{ApiError, ApiReason, Caller, Fields, JsonObject, Params, Result, reply};

/// Creates a node group. An operation of the cluster creates its nodes.
#[utoipa::path(post, path = "/v1/clusters/{ident}/nodegroups", tag = "node groups", params(("ident" = String, Path)),
    request_body = NodeGroupCreate,
    responses((status = 202, body = NodeGroup, headers(("X-Jeroboam-Operation" = String, description = "Id of the operation")))))]
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    params.finish()?;
    let draft = Draft::read(Fields::new(body, "node group"), state.settings.limits)?;
    let record = crate::cluster::find_living(&state, &caller, &ident, "nodegroup:create").await?;
    check_cluster(&record)?;
    let template = state.store.template_of(&record.cluster).await?;
    let group = draft.into_group(&record.cluster, &template)?;
    check_name(&record, &group)?;
    let (cluster, rules) = (&record.cluster, state.settings.labels);
    labels::check_of_group(&group.labels, cluster, rules)?;
    state.catalog.of(&caller).node_group(&group, cluster).await?;
    let operation = caller.operation(OperationKind::Update, &record.cluster.project_id);
    let operation = state.store.request_node_group(record.id(), &group, operation).await?;
    let record = state.store.cluster_by_uuid(&caller.scope(), group.cluster).await?;
    answer(&caller, &record, group.uuid, Some(&operation))
}

/// The response to a repeated request that created this group.
pub(crate) async fn made(state: &AppState, caller: &Caller, cluster: &str, uuid: Uuid) -> Result<Response> {
    let record = crate::cluster::find(state, caller, cluster, "nodegroup:create").await?;
    let group = super::find(&record, &uuid.to_string())?;
    let oldest = Page { sort_key: Some("created_at".to_owned()), ..Page::default() };
    let operations = state.store.operations(&Scope::All, Some(&record.cluster.uuid.to_string()), &oldest).await?;
    let its_own = operations.iter().find(|operation| operation.created_at >= group.created_at);
    answer(caller, &record, uuid, its_own)
}

fn answer(caller: &Caller, record: &ClusterRecord, uuid: Uuid, operation: Option<&Operation>) -> Result<Response> {
    let group = super::find(record, &uuid.to_string())?;
    let body = Json(view::full(record, group, caller));
    Ok(reply::with_operation((StatusCode::ACCEPTED, body).into_response(), operation))
}

/// A group needs a cluster that has an API, and that is not being deleted (contract magnum-v1 section 7.3).
fn check_cluster(record: &ClusterRecord) -> Result<()> {
    let status = record.cluster.status;
    if !status.allows(Request::NodeGroup) {
        return Err(StoreError::NotAllowed { status, request: Request::NodeGroup }.into());
    }
    if record.cluster.api_address.is_none() {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            ApiReason::ClusterNotReachableYet,
            "The cluster has no API yet that nodes could join. Wait until it has an api_address.",
        ));
    }
    Ok(())
}

fn check_name(record: &ClusterRecord, group: &Group) -> Result<()> {
    if record.groups.iter().any(|other| other.name == group.name) {
        let message = format!("the cluster has a node group named {} already. Choose another name", group.name);
        return Err(ApiError::field("name", message).with_status(StatusCode::CONFLICT));
    }
    Ok(())
}
