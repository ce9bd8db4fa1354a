//! `GET /v1/clusters/{ident}/topology`: a cluster as a tree. Ours.

use axum::Json;
use axum::extract::{Path, State};
use jeroboam_model::node::{EngineView, engine_view};
use jeroboam_model::{Node, NodePhase};
use jeroboam_store::ClusterRecord;
use jeroboam_types::operation::{Topology, TopologyComponent, TopologyNode, TopologyNodeGroup};
use jiff::Timestamp;

use crate::AppState;
use crate::http::{Caller, Params, Result};

/// Shows a cluster's node groups, nodes and components.
#[utoipa::path(get, path = "/v1/clusters/{ident}/topology", tag = "clusters", params(("ident" = String, Path)),
    responses((status = 200, body = Topology)))]
pub(super) async fn topology(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Json<Topology>> {
    params.finish()?;
    let record = super::find(&state, &caller, &ident, "cluster:get").await?;
    Ok(Json(view(&record, Timestamp::now())))
}

fn view(record: &ClusterRecord, now: Timestamp) -> Topology {
    let cluster = &record.cluster;
    let engine_view = engine_view(&record.nodes, now);
    // The running version, or the requested one.
    let engine = match cluster.coe_version.as_ref().or(cluster.engine_version.as_ref()) {
        Some(version) => format!("{} {version}", cluster.engine),
        None => cluster.engine.to_string(),
    };
    let groups = record.groups.iter().map(|group| {
        let mut nodes: Vec<&Node> = record.nodes.iter().filter(|node| node.node_group == group.uuid).collect();
        nodes.sort_by_key(|node| node.slot);
        TopologyNodeGroup {
            name: group.name.clone(),
            role: group.role.to_string(),
            node_count: group.node_count,
            status: group.status.to_string(),
            nodes: nodes.into_iter().map(|node| view_node(node, engine_view, now)).collect(),
        }
    });
    Topology {
        uuid: cluster.uuid,
        name: cluster.name.clone(),
        engine,
        engine_version: cluster.engine_version.clone(),
        status: cluster.status.to_string(),
        health: cluster.health.map(|health| health.to_string()),
        api_address: cluster.api_address.clone(),
        node_groups: groups.collect(),
    }
}

fn view_node(node: &Node, engine_view: Option<&EngineView>, now: Timestamp) -> TopologyNode {
    let report = node.report.as_ref();
    let (ready, reason) = match engine_view.map(|view| view.get(&node.name)) {
        None => (None, None),
        Some(Some(state)) => (Some(state.ready), state.reason.clone()),
        Some(None) => (Some(false), Some("the engine does not know it".to_owned())),
    };
    let phase = match report {
        // An agent that never reported is still starting; one that fell silent may be in any state.
        Some(_) if node.is_silent(now) => "unknown".to_owned(),
        Some(report) => report.phase.to_string(),
        None => NodePhase::Starting.to_string(),
    };
    let components = report.map(|report| report.components.as_slice()).unwrap_or_default();
    TopologyNode {
        name: node.name.clone(),
        address: node.address.map(|address| address.to_string()),
        machine: node.machine_id.clone(),
        phase,
        ready,
        reason,
        silent_since: node.heard_at().filter(|_| node.is_silent(now)),
        problem: report.and_then(|report| report.problem.as_ref()).map(|problem| problem.message.clone()),
        components: components
            .iter()
            .map(|component| TopologyComponent {
                name: component.name.clone(),
                state: component.state.to_string(),
                version: component.version.clone(),
                restarts: component.restarts,
            })
            .collect(),
    }
}
