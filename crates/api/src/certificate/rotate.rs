//! `PATCH /v1/certificates/{cluster}`: new authorities for a cluster (contract magnum-v1 section 2.5).

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jeroboam_model::OperationKind;
use jeroboam_model::status::Request;
use jeroboam_pki::Authority;
use jeroboam_store::{ClusterRecord, NewAuthority, StoreError};
use jeroboam_types::operation::Operation;
use jeroboam_types::v1::UuidOnly;
use jiff::Timestamp;

use super::{MAIN, authority};
use crate::AppState;
use crate::http::{ApiError, ApiReason, Caller, Fields, OptionalObject, Params, Result, reply};

/// Rotates a cluster's authorities: all of them are recreated, and its nodes get new certificates. What the old ones
/// signed, also for users, is void at once; the components of nodes restart, pods keep running.
#[utoipa::path(patch, path = "/v1/certificates/{ident}", tag = "certificates", params(("ident" = String, Path)),
    responses((status = 202, body = UuidOnly, headers(("X-Jeroboam-Operation" = String, description = "Id of the operation")))))]
pub(super) async fn rotate(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
    OptionalObject(body): OptionalObject,
) -> Result<Response> {
    params.finish()?;
    Fields::new(body, "rotation of authorities").finish()?;
    let record = crate::cluster::find_living(&state, &caller, &ident, "certificate:rotate_ca").await?;
    let outcome = start(&state, &caller, &record).await;
    let operation = crate::cluster::told(&state, &caller, &record, OperationKind::RotateCa, outcome).await?;
    Ok(reply::accepted(record.cluster.uuid, Some(&operation)))
}

async fn start(state: &AppState, caller: &Caller, record: &ClusterRecord) -> Result<Operation> {
    let cluster = &record.cluster;
    if state.store.template_of(cluster).await?.tls_disabled {
        let detail = format!("Cluster {} has no TLS, so there is nothing to rotate.", cluster.name);
        return Err(ApiError::new(StatusCode::BAD_REQUEST, ApiReason::TlsDisabled, detail));
    }
    // The store checks again when it writes; this check saves creating keys in vain.
    StoreError::unless_allowed(cluster.status, Request::RotateCa)?;
    authority(state, record, MAIN).await?;
    let now = Timestamp::now();
    let make = |name: &&'static str| {
        let authority = Authority::of_cluster(&cluster.name, name, now)?;
        Ok(NewAuthority { name, certificate: authority.certificate_pem().to_owned(), key: authority.key_pem() })
    };
    let made: std::result::Result<Vec<_>, jeroboam_pki::PkiError> =
        cluster.engine.authorities.iter().map(make).collect();
    let authorities = made.map_err(ApiError::internal)?;
    let operation = caller.operation(OperationKind::RotateCa, &cluster.project_id);
    Ok(state.store.request_ca_rotation(record.id(), &authorities, operation).await?)
}
