//! `PATCH /v1/clusters/{cluster}/nodegroups/{ident}`: bounds, Kubernetes labels and taints.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_model::status::Request;
use jeroboam_model::{NodeGroup as Group, OperationKind};
use jeroboam_store::StoreError;
use jeroboam_types::v1::{NodeGroup, PatchOperation};
use serde_json::json;

use super::draft::{Marks, check};
use super::view;
use crate::AppState;
use crate::http::patch::{self, Operation, Rules};
use crate::http::{ApiError, Caller, Fields, JsonPatch, Params, Result, reply};

/// How the attributes of node groups may be patched: only those listed in [`patched`] can change.
const RULES: Rules = Rules {
    internal: &[
        "name",
        "cluster_id",
        "docker_volume_size",
        "labels",
        "labels_overridden",
        "labels_added",
        "labels_skipped",
        "merge_labels",
        "flavor_id",
        "image_id",
        "node_addresses",
        "node_count",
        "role",
        "is_default",
        "stack_id",
        "status",
        "status_reason",
        "version",
    ],
    mandatory: &[],
    dictionaries: &["node_labels", "node_taints"],
};

/// Updates a node group. The cluster's action `resize` changes its size.
#[utoipa::path(patch, path = "/v1/clusters/{ident}/nodegroups/{group}", tag = "node groups",
    params(("ident" = String, Path), ("group" = String, Path)), request_body = Vec<PatchOperation>,
    responses((status = 202, body = NodeGroup, headers(("X-Jeroboam-Operation" = String, description = "Id of the operation")))))]
pub(super) async fn update(
    State(state): State<AppState>,
    caller: Caller,
    Path((ident, group)): Path<(String, String)>,
    params: Params,
    JsonPatch(patch): JsonPatch,
) -> Result<Response> {
    params.finish()?;
    let record = crate::cluster::find_living(&state, &caller, &ident, "nodegroup:update").await?;
    let old = super::find(&record, &group)?;
    if patch.is_empty() {
        // An empty patch changes nothing, but is refused in the same statuses as others.
        for status in [record.cluster.status, old.status] {
            StoreError::unless_allowed(status, Request::Update)?;
        }
        return Ok((StatusCode::ACCEPTED, Json(view::full(&record, old, &caller))).into_response());
    }
    // Also when no value changes: clients wait for the group to be updated.
    let (cluster, uuid) = (record.id(), old.uuid);
    let operation = caller.operation(OperationKind::Update, &record.cluster.project_id);
    let change = |group: &Group| {
        let new = patched(group, patch.clone())?;
        check(&new).map(|()| new)
    };
    let operation = state.store.request_node_group_update(cluster, uuid, operation, change).await?;
    let record = state.store.cluster_by_uuid(&caller.scope(), cluster.uuid()).await?;
    let group = super::find(&record, &uuid.to_string())?;
    let body = Json(view::full(&record, group, &caller));
    Ok(reply::with_operation((StatusCode::ACCEPTED, body).into_response(), Some(&operation)))
}

/// The group with the patch applied. Removing an attribute restores its default.
fn patched(old: &Group, patch: Vec<Operation>) -> Result<Group> {
    let serde_json::Value::Object(mut document) = json!({
        "min_node_count": old.min_node_count,
        "max_node_count": old.max_node_count,
        "node_labels": old.node_labels,
        "node_taints": old.node_taints,
    }) else {
        return Err(ApiError::internal("a node group is not an object"));
    };
    patch::apply(&mut document, patch, RULES)?;
    let mut fields = Fields::new(document, "node group");
    let marks = Marks::read(&mut fields)?;
    Ok(Group {
        min_node_count: fields.at_least("min_node_count", 0)?.unwrap_or(0),
        max_node_count: fields.at_least("max_node_count", 0)?,
        node_labels: marks.labels,
        node_taints: marks.taints,
        ..old.clone()
    })
}
