//! `POST /v1/clusters/{ident}/actions/upgrade`: changes the template, if that affects no node; rolling upgrades are not
//! offered yet.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jeroboam_model::node_group::DEFAULT_WORKER;
use jeroboam_model::status::Request;
use jeroboam_model::{OperationKind, upgrade};
use jeroboam_store::{ClusterRecord, StoreError};
use jeroboam_types::operation::Operation;
use jeroboam_types::v1::{UpgradeRequest, UuidOnly};
use uuid::Uuid;

use crate::AppState;
use crate::http::{ApiError, ApiReason, Caller, Fields, JsonObject, Params, Result, Version, again, reply};

/// Upgrades a cluster to another template.
#[utoipa::path(post, path = "/v1/clusters/{ident}/actions/upgrade", tag = "clusters", params(("ident" = String, Path)),
    request_body = UpgradeRequest,
    responses((status = 202, body = UuidOnly, headers(("X-Jeroboam-Operation" = String, description = "Id of the operation")))))]
pub(super) async fn upgrade(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    if caller.version < Version::UPGRADE {
        // The route exists one microversion before it has an effect (contract magnum-v1 section 1.4).
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            ApiReason::MicroversionTooOld,
            format!("Upgrading is not possible in version {}. Ask for {} or later.", caller.version, Version::UPGRADE),
        ));
    }
    params.finish()?;
    let mut fields = Fields::new(body, "upgrade request");
    let template = fields.required_text("cluster_template")?;
    // How many nodes to replace at a time. None is replaced, so any number will do.
    fields.at_least("max_batch_size", 1)?;
    let group = fields.text("nodegroup")?;
    fields.finish()?;

    let wanted = Wanted { template, group };
    let (uuid, operation) = again(|| start(&state, &caller, &ident, &wanted)).await?;
    Ok(reply::accepted(uuid, Some(&operation)))
}

/// What a request names, each by id or name.
struct Wanted {
    template: String,
    group: Option<String>,
}

/// Checks that the cluster can have the template as it is now, and requests the upgrade.
async fn start(state: &AppState, caller: &Caller, ident: &str, wanted: &Wanted) -> Result<(Uuid, Operation)> {
    let record = super::find_living(state, caller, ident, "cluster:upgrade").await?;
    let outcome = ask(state, caller, &record, wanted).await;
    let operation = super::told(state, caller, &record, OperationKind::Upgrade, outcome).await?;
    Ok((record.cluster.uuid, operation))
}

async fn ask(state: &AppState, caller: &Caller, record: &ClusterRecord, wanted: &Wanted) -> Result<Operation> {
    let cluster = &record.cluster;
    let template = state.store.readable_template(&caller.scope(), &wanted.template).await?;
    let group = crate::node_group::find(record, wanted.group.as_deref().unwrap_or(DEFAULT_WORKER))?;
    if !group.is_default && template.uuid != cluster.template {
        let message = format!("the node group {} follows its cluster. Upgrade the cluster first", group.name);
        return Err(ApiError::field("nodegroup", message).with_status(StatusCode::CONFLICT));
    }
    StoreError::unless_allowed(cluster.status, Request::Upgrade)?;
    let from = state.store.template_of(cluster).await?;
    let version = state.catalog.of(caller).version(&template).await.map_err(|error| ApiError {
        detail: format!("cluster_template: {}", error.detail),
        field: Some("cluster_template".to_owned()),
        ..error
    })?;
    if let Some(obstacle) = upgrade::obstacle(cluster, &record.groups, &from, &template, version) {
        return Err(ApiError { reason: ApiReason::UpgradeNotOffered.into(), ..ApiError::from(obstacle) });
    }
    let operation = caller.operation(OperationKind::Upgrade, &cluster.project_id);
    Ok(state.store.request_upgrade(record.id(), group.uuid, &template, operation).await?)
}
