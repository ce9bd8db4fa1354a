//! `POST /v1/orphans/{uuid}/actions/adopt`.

use axum::extract::{Path, State};
use axum::response::Response;
use jeroboam_infra::Remains;
use jeroboam_model::node::FoundNode;
use jeroboam_model::{Cluster, NodeGroup, NodeRole};
use jeroboam_types::operation::Operation;
use jeroboam_types::v1::{ClusterCreate, UuidOnly};
use serde_json::{Map, Value};

use crate::AppState;
use crate::cluster::create::{self, Planned};
use crate::http::{ApiError, Caller, JsonObject, Params, Result, again};
use crate::spelling::Spelling;

/// Adopts an orphan: it becomes a cluster of the database again, with its id, its nodes, and the data on their disks.
/// The body is that of a new cluster; its template and labels must match those of the orphan. The number of nodes is
/// taken from what exists. The machines are recreated, and the certificate authorities are new.
#[utoipa::path(post, path = "/v1/orphans/{uuid}/actions/adopt", tag = "service", params(("uuid" = String, Path)),
    request_body = ClusterCreate,
    responses((status = 202, body = UuidOnly, headers(("X-Jeroboam-Operation" = String, description = "Id of the operation")))))]
pub(super) async fn adopt(
    State(state): State<AppState>,
    caller: Caller,
    Path(uuid): Path<String>,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    params.finish()?;
    caller.may("orphan:adopt")?;
    let uuid = uuid.parse().map_err(|_| ApiError::not_found("orphan", &uuid))?;
    let (orphan, nodes) = state.lookout.orphan(uuid).await?;
    let operation = Box::pin(again(|| take_over(&state, &caller, body.clone(), &orphan, &nodes))).await?;
    tracing::warn!(
        cluster = %uuid,
        name = orphan.name,
        project = orphan.project_id,
        nodes = nodes.len(),
        user = caller.auth.user_id,
        request = caller.request_id,
        "an orphan was adopted on request"
    );
    create::answer(&state, &caller, uuid, Some(&operation), Spelling::Cluster).await
}

async fn take_over(
    state: &AppState,
    caller: &Caller,
    body: Map<String, Value>,
    orphan: &Remains,
    nodes: &[FoundNode],
) -> Result<Operation> {
    let is_named = body.contains_key("name");
    let Planned { template, mut cluster, groups } = create::planned(state, caller, body, Spelling::Cluster).await?;
    if let Some(engine) = orphan.engine.as_deref().filter(|engine| *engine != cluster.engine.name) {
        let message = format!("is a template of {} clusters, the orphan is one of {engine}", cluster.engine);
        return Err(ApiError::field("cluster_template_id", message));
    }
    cluster.uuid = orphan.cluster;
    if let Some(name) = orphan.name.as_ref().filter(|_| !is_named) {
        cluster.name.clone_from(name);
    }
    if let Some(project) = &orphan.project_id {
        cluster.project_id.clone_from(project);
    }
    let groups: Vec<NodeGroup> = groups.into_iter().map(|group| as_found(group, &cluster, nodes)).collect();
    // All checks have passed. If the process ends here, the disks are still an orphan, which can be adopted as well.
    state.lookout.free_disks(orphan).await?;
    let operation = caller.creation(cluster.create_timeout);
    Ok(state.store.adopt_cluster(&template, &cluster, &groups, nodes, operation).await?)
}

/// A group of the cluster, with as many nodes as were found.
fn as_found(group: NodeGroup, cluster: &Cluster, nodes: &[FoundNode]) -> NodeGroup {
    let is_of = |role: NodeRole| nodes.iter().filter(move |node| node.role == role).count();
    NodeGroup {
        cluster: cluster.uuid,
        project_id: cluster.project_id.clone(),
        node_count: u32::try_from(is_of(group.role)).unwrap_or(u32::MAX),
        ..group
    }
}
