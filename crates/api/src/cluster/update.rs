//! `PATCH /v1/clusters/{ident}`: the size of the default workers, and the health that an agent inside reports.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_model::node_group::DEFAULT_WORKER;
use jeroboam_model::status::Request;
use jeroboam_model::validate::Limits;
use jeroboam_model::{Health, NodeGroup, OperationKind, Status};
use jeroboam_store::{ClusterRecord, HealthChange, StoreError};
use jeroboam_types::operation::Operation as Started;
use jeroboam_types::v1::{PatchOperation, UuidOnly};
use serde_json::{Map, Value, json};

use super::draft::check_node_count;
use super::show;
use super::view::{self, Form};
use crate::AppState;
use crate::http::fields::in_type_of;
use crate::http::patch::{self, Operation, Rules};
use crate::http::{ApiError, Caller, Fields, JsonPatch, Params, Result, Version, reply};
use crate::spelling::Spelling;

/// How the attributes of clusters and bays may be patched.
const RULES: Rules = Rules {
    internal: &[
        "api_address",
        "node_addresses",
        "master_addresses",
        "stack_id",
        "cluster_id",
        "ca_cert_ref",
        "magnum_cert_ref",
        "etcd_ca_cert_ref",
        "front_proxy_ca_cert_ref",
        "trust_id",
        "trustee_username",
        "trustee_password",
        "trustee_user_id",
    ],
    mandatory: &["cluster_template_id", "baymodel_id"],
    dictionaries: &["labels", "health_status_reason"],
};

/// Attributes that may change.
const CHANGEABLE: [&str; 3] = ["node_count", "health_status", "health_status_reason"];

/// Attributes about health.
const OF_HEALTH: [&str; 2] = ["health_status", "health_status_reason"];

/// Updates a cluster.
#[utoipa::path(patch, path = "/v1/clusters/{ident}", tag = "clusters",
    params(("ident" = String, Path), ("rollback" = Option<bool>, Query)), request_body = Vec<PatchOperation>,
    responses((status = 202, body = UuidOnly)))]
pub(super) async fn update(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
    JsonPatch(patch): JsonPatch,
) -> Result<Response> {
    run(&state, &caller, &ident, params, patch, Spelling::Cluster).await
}

pub(super) async fn run(
    state: &AppState,
    caller: &Caller,
    ident: &str,
    mut params: Params,
    patch: Vec<Operation>,
    spelling: Spelling,
) -> Result<Response> {
    if caller.version >= Version::ROLLBACK {
        // Every retry and delete rolls back what failed, so there is nothing to switch on.
        params.boolean("rollback")?;
    }
    params.finish()?;
    let record = super::find(state, caller, ident, &spelling.cluster_rule("update")).await?;
    caller.may("cluster:update_health_status")?;
    // An agent inside may still report the health of such a cluster.
    if !patch.iter().all(|operation| OF_HEALTH.contains(&operation.name.as_str())) {
        super::refuse_old(&record.cluster)?;
    }
    let (uuid, is_resize) = (record.cluster.uuid, patch.iter().any(|operation| operation.name == "node_count"));
    let mut outcome = ask(state, caller, &record, patch, spelling).await;
    if is_resize {
        outcome = super::told(state, caller, &record, OperationKind::Scale, outcome).await;
    }
    let operation = outcome?;
    if spelling == Spelling::Cluster || caller.version >= Version::ASYNC_BAYS {
        return Ok(reply::accepted(uuid, operation.as_ref()));
    }
    let record = state.store.cluster_by_uuid(&caller.scope(), uuid).await?;
    let body = Json(show::one(state, caller, &record, spelling).await?);
    Ok(reply::with_operation((StatusCode::OK, body).into_response(), operation.as_ref()))
}

/// Requests what the patch asks for. What takes time is done by an operation.
async fn ask(
    state: &AppState,
    caller: &Caller,
    record: &ClusterRecord,
    patch: Vec<Operation>,
    spelling: Spelling,
) -> Result<Option<Started>> {
    let change = read(state, record, patch, caller, spelling)?;
    let cluster = record.id();
    let Some((group, count)) = change.node_count else {
        if change.is_diagnosis() {
            state.store.change_health(cluster, &change.health).await?;
        }
        return Ok(None);
    };
    let leaving = super::spare::leaving(state, record, group, count, Vec::new()).await;
    let operation = caller.operation(OperationKind::Scale, &record.cluster.project_id);
    let health = Some(&change.health);
    Ok(Some(state.store.request_change(cluster, group.uuid, count, &leaving, health, operation).await?))
}

/// What a patch changes.
struct Change<'a> {
    /// Group and its new size.
    node_count: Option<(&'a NodeGroup, u32)>,
    health: HealthChange,
}

impl Change<'_> {
    /// Whether the patch reports health.
    fn is_diagnosis(&self) -> bool {
        self.health != HealthChange::default()
    }
}

fn read<'a>(
    state: &AppState,
    record: &'a ClusterRecord,
    patch: Vec<Operation>,
    caller: &Caller,
    spelling: Spelling,
) -> Result<Change<'a>> {
    let workers = default_workers(record)?;
    let mut old = match view::show(record, None, caller, spelling, Form::Detail) {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    // A patch changes the default workers, while the view shows the sum over all groups.
    old.insert("node_count".to_owned(), json!(workers.node_count));
    let names_count = patch.iter().any(|operation| operation.name == "node_count");
    let mut new = old.clone();
    patch::apply(&mut new, patch, RULES)?;
    for (name, value) in &mut new {
        if let Some(held) = old.get(name) {
            *value = in_type_of(held, value.take());
        }
    }
    if let Some((name, _)) =
        new.iter().find(|(name, value)| !CHANGEABLE.contains(&name.as_str()) && old.get(*name) != Some(*value))
    {
        return Err(ApiError::field(name, format!("cannot be changed on a {}", spelling.cluster())));
    }
    let is_changed = |name: &str| old.get(name) != new.get(name);
    let (has_status, has_reason) = (is_changed("health_status"), is_changed("health_status_reason"));
    new.retain(|name, _| CHANGEABLE.contains(&name.as_str()));
    let mut fields = Fields::new(new, spelling.cluster());
    // Removing the number means the default.
    let count = fields.integer("node_count")?.unwrap_or(1);
    if names_count {
        // The current number is no change, but must be one that this client may request.
        let limits = state.settings.limits;
        let limits = Limits { nodes: limits.nodes.max(workers.node_count), ..limits };
        check_node_count(count, caller.version, limits, spelling)?;
    }
    let change = Change {
        node_count: if count == i64::from(workers.node_count) {
            None
        } else {
            Some((workers, checked(state, record, workers, count, caller, spelling)?))
        },
        health: HealthChange {
            status: if has_status { Some(read_health(&mut fields)?) } else { None },
            reason: if has_reason { Some(fields.labels("health_status_reason")?.unwrap_or_default()) } else { None },
        },
    };
    if change.is_diagnosis() && matches!(record.cluster.status, Status::DeleteInProgress | Status::DeleteComplete) {
        return Err(StoreError::NotAllowed { status: record.cluster.status, request: Request::Update }.into());
    }
    Ok(change)
}

fn default_workers(record: &ClusterRecord) -> Result<&NodeGroup> {
    let found = record.groups.iter().find(|group| group.is_default && group.name == DEFAULT_WORKER);
    found.ok_or_else(|| ApiError::internal("a cluster has no default workers"))
}

fn checked(
    state: &AppState,
    record: &ClusterRecord,
    workers: &NodeGroup,
    count: i64,
    caller: &Caller,
    spelling: Spelling,
) -> Result<u32> {
    let count = check_node_count(count, caller.version, state.settings.limits, spelling)?;
    super::resize::check(state, record, workers, count)?;
    // Stricter than resize, which autoscalers repeat while one is in progress (contract magnum-v1 section 7.3).
    match record.cluster.status {
        Status::CreateComplete | Status::UpdateComplete => Ok(count),
        status => Err(StoreError::NotAllowed { status, request: Request::Update }.into()),
    }
}

fn read_health(fields: &mut Fields) -> Result<Health> {
    match fields.text("health_status")? {
        // A removed status becomes `UNKNOWN`, which differs from never checked.
        None => Ok(Health::Unknown),
        Some(text) => text.parse().map_err(|_| {
            ApiError::field("health_status", format!("must be HEALTHY, UNHEALTHY or UNKNOWN, this is '{text}'"))
        }),
    }
}
