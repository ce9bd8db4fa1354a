//! `POST /v1/clusters/{ident}/actions/upgrade`: another template. As long as no node would notice; rolling upgrades are
//! not offered yet.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jeroboam_model::node_group::DEFAULT_WORKER;
use jeroboam_model::status::Request;
use jeroboam_model::{OperationKind, upgrade};
use jeroboam_store::StoreError;
use jeroboam_types::v1::{UpgradeRequest, UuidOnly};

use crate::AppState;
use crate::http::{ApiError, Caller, Fields, JsonObject, Params, Result, Version, reply};

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
    caller.version.at_least(Version::RESIZE, "upgrade")?;
    if caller.version < Version::UPGRADE {
        // The route came one microversion before it did anything (contract magnum-v1 section 1.4).
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "microversion_too_old",
            format!("Upgrading is not possible in version {}. Ask for {} or later.", caller.version, Version::UPGRADE),
        ));
    }
    params.finish()?;
    let mut fields = Fields::new(body, "upgrade request");
    let template = fields.required_text("cluster_template")?;
    // How many nodes at a time. None is replaced, so any number is kept.
    fields.at_least("max_batch_size", 1)?;
    let group = fields.text("nodegroup")?;
    fields.finish()?;

    let record = super::find(&state, &caller, &ident, "cluster:upgrade").await?;
    let cluster = &record.cluster;
    let template = state.store.readable_template(&caller.scope(), &template).await?;
    let group = crate::node_group::find(&record, group.as_deref().unwrap_or(DEFAULT_WORKER))?;
    if !group.is_default && template.uuid != cluster.template {
        let message = format!("the node group {} follows its cluster. Upgrade the cluster first", group.name);
        return Err(ApiError::field("nodegroup", message).with_status(StatusCode::CONFLICT));
    }
    if !cluster.status.allows(Request::Upgrade) {
        return Err(StoreError::NotAllowed { status: cluster.status, request: Request::Upgrade }.into());
    }
    let from = state.store.template_by_uuid(cluster.template).await?;
    if let Some(obstacle) = upgrade::obstacle(cluster, &record.groups, &from, &template) {
        return Err(ApiError { reason: "upgrade_not_offered".to_owned(), ..ApiError::from(obstacle) });
    }
    let operation = caller.operation(OperationKind::Upgrade, &cluster.project_id);
    let operation = state.store.request_upgrade(cluster.uuid, group.uuid, template.uuid, operation).await?;
    Ok(reply::accepted(cluster.uuid, Some(&operation)))
}
