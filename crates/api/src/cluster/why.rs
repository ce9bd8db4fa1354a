//! `GET /v1/clusters/{ident}/why`: what is wrong with a cluster and what to do about it. Ours.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use jeroboam_model::condition::{self, Facts, Finding};
use jeroboam_model::node::{EngineView, engine_view};
use jeroboam_model::plan::MachineState;
use jeroboam_model::{healing, why};
use jeroboam_store::{ClusterRecord, Page};
use jeroboam_types::agent::EngineNodeState;
use jeroboam_types::operation::Operation;
use jeroboam_types::why::Why;
use jiff::Timestamp;
use uuid::Uuid;

use crate::AppState;
use crate::http::{Caller, Params, Result};

/// How many of the newest operations are considered.
const OPERATIONS: u64 = 20;

/// Explains what is wrong with a cluster, if anything: since when, what was tried, who must act and what to do.
#[utoipa::path(get, path = "/v1/clusters/{ident}/why", tag = "clusters", params(("ident" = String, Path)),
    responses((status = 200, body = Why)))]
pub(super) async fn why(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Json<Why>> {
    params.finish()?;
    let record = super::find(&state, &caller, &ident, "cluster:get").await?;
    let operations = operations(&state, &caller, record.cluster.uuid).await?;
    let findings = findings(&state, &record).await?;
    let now = Timestamp::now();
    let repairs = state.store.repairs_since(record.cluster.uuid, now - healing::DAY).await?;
    let failed = match record.cluster.status.is_failed() {
        true => state.store.operation_that_failed(record.id()).await?,
        false => None,
    };
    Ok(Json(why::explain(&record.cluster, findings, &operations, failed.as_ref(), &repairs, now)))
}

/// The newest operations; unfinished ones with their steps.
async fn operations(state: &AppState, caller: &Caller, cluster: Uuid) -> Result<Vec<Operation>> {
    let scope = caller.scope_of("cluster:get")?;
    let page = Page { limit: OPERATIONS, ..Page::default() };
    let mut all = state.store.operations(&scope, Some(&cluster.to_string()), &page).await?;
    for operation in all.iter_mut().filter(|operation| !operation.status.is_final()) {
        *operation = state.store.operation(&scope, operation.uuid).await?;
    }
    Ok(all)
}

/// What is wrong now. While an operation is in progress, the operation reports what is missing.
async fn findings(state: &AppState, record: &ClusterRecord) -> Result<Vec<Finding>> {
    let cluster = &record.cluster;
    if cluster.status.is_in_progress() || cluster.api_address.is_none() {
        return Ok(Vec::new());
    }
    let observation = match state.infra.observe(cluster.uuid).await {
        Ok(observation) => observation,
        Err(cause) => return Ok(vec![Finding { node: None, cause, since: None }]),
    };
    let machines: BTreeMap<Uuid, MachineState> =
        observation.machines.iter().map(|(node, machine)| (*node, machine.state)).collect();
    let authorities = state.store.authorities_generation(record.id()).await?;
    let now = Timestamp::now();
    // The engine's view from a master's report, or else from the last health check.
    let said = said(record);
    let mut findings = condition::findings(&Facts {
        status: record.cluster.status,
        nodes: &record.nodes,
        network: observation.network.is_some(),
        machines: &machines,
        disks: &observation.disks,
        authorities,
        engine: engine_view(&record.nodes, now).or(said.as_ref()),
        now,
    });
    if let Some(api) = cluster.health_reason.get("api").filter(|api| *api != "ok" && findings.is_empty()) {
        findings.push(condition::api_unreachable(api));
    }
    Ok(findings)
}

/// The engine's nodes as of the last health check.
fn said(record: &ClusterRecord) -> Option<EngineView> {
    let reason = &record.cluster.health_reason;
    if reason.get("api").is_none_or(|api| api != "ok") {
        return None;
    }
    let view = |(key, value): (&String, &String)| {
        let node = key.strip_suffix(".Ready")?;
        let why = reason.get(&format!("{node}.reason")).cloned();
        Some((node.to_owned(), EngineNodeState { ready: value == "True", reason: why }))
    };
    Some(reason.iter().filter_map(view).collect())
}
