//! `POST /v1/clusters/{ident}/actions/resize`: changes the size of a node group.

use axum::extract::{Path, State};
use axum::response::Response;
use jeroboam_model::node_group::DEFAULT_WORKER;
use jeroboam_model::{Node, NodeGroup, NodeRole, OperationKind};
use jeroboam_store::ClusterRecord;
use jeroboam_types::v1::{ResizeRequest, UuidOnly};
use uuid::Uuid;

use super::draft::check_node_count;
use crate::AppState;
use crate::http::{ApiError, Caller, Fields, JsonObject, Params, Result, reply};
use crate::spelling::Spelling;

/// Shortest accepted prefix of a machine's id, in characters: as long as Docker's short ids.
const MIN_MACHINE_ID: usize = 12;

/// Resizes a node group. Can be repeated while a resize is in progress.
#[utoipa::path(post, path = "/v1/clusters/{ident}/actions/resize", tag = "clusters", params(("ident" = String, Path)),
    request_body = ResizeRequest,
    responses((status = 202, body = UuidOnly, headers(("X-Jeroboam-Operation" = String, description = "Id of the operation")))))]
pub(super) async fn resize(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    params.finish()?;
    let mut fields = Fields::new(body, "resize request");
    let count = fields.integer("node_count")?.ok_or_else(|| ApiError::field("node_count", "is required"))?;
    let remove = fields.texts("nodes_to_remove")?;
    let group = fields.text("nodegroup")?;
    fields.finish()?;
    let count = check_node_count(count, caller.version, state.settings.limits, Spelling::Cluster)?;
    let record = super::find_living(&state, &caller, &ident, "cluster:resize").await?;
    let group = find_group(&record, group.as_deref())?;
    check(&state, &record, group, count)?;
    let named = remove.iter().map(|ident| find_node(&record, group, ident)).collect::<Result<Vec<_>>>()?;
    let remove = super::spare::leaving(&state, &record, group, count, named).await;

    let operation = caller.operation(OperationKind::Scale, &record.cluster.project_id);
    let cluster = record.id();
    let outcome = state.store.request_scale(cluster, group.uuid, count, &remove, operation).await.map_err(Into::into);
    let operation = super::told(&state, &caller, &record, OperationKind::Scale, outcome).await?;
    Ok(reply::accepted(cluster.uuid(), Some(&operation)))
}

fn find_group<'a>(record: &'a ClusterRecord, ident: Option<&str>) -> Result<&'a NodeGroup> {
    match ident {
        Some(ident) => crate::node_group::find(record, ident),
        None => crate::node_group::find(record, DEFAULT_WORKER),
    }
}

/// Checks that the group can have that many nodes, as far as is known here: the store checks again when it writes.
pub(super) fn check(state: &AppState, record: &ClusterRecord, group: &NodeGroup, count: u32) -> Result<()> {
    if group.role == NodeRole::Master {
        return Err(ApiError::field("nodegroup", "masters cannot be resized"));
    }
    group.check_bounds(count)?;
    Ok(group.check_total(&record.groups, count, state.settings.limits)?)
}

/// A node of the group by its id, name, number, address, or the id of its machine. Autoscalers use the number for nodes
/// that never came up.
fn find_node(record: &ClusterRecord, group: &NodeGroup, ident: &str) -> Result<Uuid> {
    let is_it = |node: &Node| {
        let is_machine = || node.machine_id.as_deref().is_some_and(|id| id.starts_with(ident));
        ident.parse::<Uuid>().is_ok_and(|uuid| uuid == node.uuid)
            || node.name == ident
            || node.name.rsplit('-').next() == Some(ident)
            || node.address.is_some_and(|address| address.to_string() == ident)
            || (ident.len() >= MIN_MACHINE_ID && is_machine())
    };
    let mut found = record.nodes.iter().filter(|node| node.node_group == group.uuid && node.wanted && is_it(node));
    match (found.next(), found.next()) {
        (Some(node), None) => Ok(node.uuid),
        (None, _) => Err(ApiError::field(
            "nodes_to_remove",
            format!("'{ident}' is not a node of the node group {}. Give the uuid or name of one", group.name),
        )),
        (Some(_), Some(_)) => {
            Err(ApiError::field("nodes_to_remove", format!("'{ident}' matches several nodes. Give the uuid of one")))
        }
    }
}
