//! `PATCH /v1/certificates/{cluster}`: new authorities for a cluster (contract magnum-v1 section 2.5).

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jeroboam_model::Status;

use crate::AppState;
use crate::http::{ApiError, Caller, Fields, OptionalObject, Params, Result};

/// Refuses, after all checks, and changes nothing: nodes of no infrastructure that there is can be moved to another
/// authority yet (contract: 400 for drivers that cannot, with the old authorities kept).
#[utoipa::path(patch, path = "/v1/certificates/{ident}", tag = "certificates", params(("ident" = String, Path)),
    responses((status = 400, description = "The infrastructure cannot rotate authorities")))]
pub(super) async fn rotate(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
    OptionalObject(body): OptionalObject,
) -> Result<Response> {
    params.finish()?;
    Fields::new(body, "rotation of authorities").finish()?;
    let cluster = crate::cluster::find(&state, &caller, &ident, "certificate:rotate_ca").await?.cluster;
    let refused = |reason, detail| Err(ApiError::new(StatusCode::BAD_REQUEST, reason, detail));
    if state.store.template_by_uuid(cluster.template).await?.tls_disabled {
        return refused("tls_disabled", format!("Cluster {} has no TLS, so there is nothing to rotate.", cluster.name));
    }
    if !matches!(cluster.status, Status::CreateComplete | Status::UpdateComplete) {
        return refused(
            "status_refuses",
            format!(
                "Cluster {} is in status {}; authorities are rotated in CREATE_COMPLETE and UPDATE_COMPLETE only. Wait \
                 until what is being done has ended.",
                cluster.name, cluster.status
            ),
        );
    }
    refused(
        "ca_rotation_not_supported",
        format!(
            "The infrastructure {} cannot move the nodes of a running cluster to another authority. Nothing was \
             changed: the authorities of cluster {} are those of before.",
            state.infra.name(),
            cluster.name
        ),
    )
}
