//! `POST /v1/clusters`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jeroboam_model::{Cluster, ClusterTemplate, NodeGroup, NodeRole};
use jeroboam_store::{Page, Scope, StoreError};
use jeroboam_types::operation::Operation;
use jeroboam_types::v1::{ClusterCreate, UuidOnly};
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::draft::Draft;
use super::show;
use crate::AppState;
use crate::http::{
    ApiError, ApiReason, Caller, Fields, JsonObject, Params, Result, Version, again, etag, reply, trail,
};
use crate::names;
use crate::spelling::Spelling;

/// Creates a cluster. Returns as soon as cluster and operation are in the database; a read straight after finds it.
#[utoipa::path(post, path = "/v1/clusters", tag = "clusters", request_body = ClusterCreate,
    responses((status = 202, body = UuidOnly, headers(("X-Jeroboam-Operation" = String, description = "Id of the operation")))))]
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    run(&state, &caller, params, body, Spelling::Cluster).await
}

pub(super) async fn run(
    state: &AppState,
    caller: &Caller,
    params: Params,
    body: Map<String, Value>,
    spelling: Spelling,
) -> Result<Response> {
    params.finish()?;
    let fields = Fields::new(body, spelling.cluster());
    let draft = Draft::read(fields, caller.version, state.settings.limits, spelling)?;
    let (uuid, operation) = again(|| make(state, caller, draft.clone(), spelling)).await?;
    answer(state, caller, uuid, Some(&operation), spelling).await
}

/// Creates a cluster from the template as it is now.
async fn make(state: &AppState, caller: &Caller, draft: Draft, spelling: Spelling) -> Result<(Uuid, Operation)> {
    let Planned { template, cluster, groups } = plan(state, caller, draft, spelling).await?;
    let operation = caller.creation(cluster.create_timeout);
    let operation = state.store.create_cluster(&template, &cluster, &groups, operation).await?;
    Ok((cluster.uuid, operation))
}

/// A cluster as it would be created.
pub(crate) struct Planned {
    pub(crate) template: ClusterTemplate,
    pub(crate) cluster: Cluster,
    /// The node groups of its masters and of its workers.
    pub(crate) groups: Vec<NodeGroup>,
}

/// The cluster that a body requests, validated.
pub(crate) async fn planned(
    state: &AppState,
    caller: &Caller,
    body: Map<String, Value>,
    spelling: Spelling,
) -> Result<Planned> {
    let fields = Fields::new(body, spelling.cluster());
    plan(state, caller, Draft::read(fields, caller.version, state.settings.limits, spelling)?, spelling).await
}

async fn plan(state: &AppState, caller: &Caller, draft: Draft, spelling: Spelling) -> Result<Planned> {
    let template = find_template(state, caller, &draft, spelling).await?;
    let labels = draft.labels(&template);
    draft.check_with(&template, &labels, state.settings.labels)?;
    caller.may(&spelling.cluster_rule("create"))?;
    if template.hidden && !caller.is_admin() {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            ApiReason::TemplateHidden,
            "The template is hidden: no new clusters can be created from it. Choose another.",
        ));
    }
    let (mut cluster, groups) = assemble(caller, draft, &template, labels, spelling);
    trail::cluster(cluster.uuid);
    let version = state.catalog.of(caller).cluster(&cluster, &template, spelling).await?;
    cluster.engine_version = version.map(|version| version.to_string());
    cluster.infrastructure = Some(state.catalog.infrastructure().to_owned());
    Ok(Planned { template, cluster, groups })
}

/// The response to a repeated request that created this cluster.
pub(crate) async fn made(state: &AppState, caller: &Caller, uuid: Uuid, spelling: Spelling) -> Result<Response> {
    let oldest = Page { limit: 1, sort_key: Some("created_at".to_owned()), ..Page::default() };
    let operations = state.store.operations(&Scope::All, Some(&uuid.to_string()), &oldest).await?;
    answer(state, caller, uuid, operations.first(), spelling).await
}

pub(crate) async fn answer(
    state: &AppState,
    caller: &Caller,
    uuid: Uuid,
    operation: Option<&Operation>,
    spelling: Spelling,
) -> Result<Response> {
    if spelling == Spelling::Cluster || caller.version >= Version::ASYNC_BAYS {
        return Ok(reply::accepted(uuid, operation));
    }
    let record = state.store.cluster_by_uuid(&caller.scope(), uuid).await?;
    let body = show::one(state, caller, &record, spelling).await?;
    let response = reply::created(&caller.base, spelling.clusters(), uuid, body);
    Ok(reply::with_operation(etag::tagged(response, record.tag(), caller.version), operation))
}

async fn find_template(
    state: &AppState,
    caller: &Caller,
    draft: &Draft,
    spelling: Spelling,
) -> Result<ClusterTemplate> {
    // Old clients expect 400 for a dangling reference (contract magnum-v1 section 1.4, row 1.10).
    let is_old = spelling == Spelling::Bay || caller.version < Version::ZERO_SIZE;
    state.store.template(&caller.scope(), &draft.template).await.map_err(|error| match error {
        missing @ StoreError::NotFound { .. } => {
            let error = ApiError::from(missing).about(spelling.template_id());
            if is_old { error.with_status(StatusCode::BAD_REQUEST) } else { error }
        }
        other => other.into(),
    })
}

fn assemble(
    caller: &Caller,
    draft: Draft,
    template: &ClusterTemplate,
    labels: jeroboam_model::Labels,
    spelling: Spelling,
) -> (Cluster, Vec<NodeGroup>) {
    let now = Timestamp::now();
    let (node_count, master_count) = (draft.node_count, draft.master_count);
    let name = draft.name.unwrap_or_else(|| names::generate(spelling.cluster()));
    let inherited = Cluster::of(template, &name, &caller.auth.project_id, &caller.auth.user_id, now);
    let cluster = Cluster {
        keypair: draft.keypair.or(inherited.keypair),
        docker_volume_size: draft.docker_volume_size.or(inherited.docker_volume_size),
        labels,
        master_flavor_id: draft.master_flavor_id.or(inherited.master_flavor_id),
        flavor_id: draft.flavor_id.or(inherited.flavor_id),
        create_timeout: draft.create_timeout,
        discovery_url: draft.discovery_url,
        fixed_network: draft.fixed_network.or(inherited.fixed_network),
        fixed_subnet: draft.fixed_subnet.or(inherited.fixed_subnet),
        floating_ip_enabled: draft.floating_ip_enabled.unwrap_or(inherited.floating_ip_enabled),
        master_lb_enabled: draft.master_lb_enabled.unwrap_or(inherited.master_lb_enabled),
        ..inherited
    };
    let groups = vec![
        NodeGroup::default_of(&cluster, template, NodeRole::Master, master_count),
        NodeGroup::default_of(&cluster, template, NodeRole::Worker, node_count),
    ];
    (cluster, groups)
}
