//! `POST /v1/certificates`: signs a certificate signing request with a cluster's authority.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_pki::{Authority, CsrError, Facts};
use jeroboam_store::{IssuedCertificate, StoreError};
use jeroboam_types::v1::{Certificate, CertificateCreate};
use jiff::Timestamp;

use super::{authority, authority_name};
use crate::AppState;
use crate::http::{ApiError, Caller, Fields, JsonObject, Params, Result, reply};

/// Attributes that clients may not set.
const READ_ONLY: [&str; 3] = ["links", "created_at", "updated_at"];

/// Longest signing request in characters: one with a key of 16384 bits has about 6 KiB.
const MAX_CSR: usize = 64 * 1024;

/// Signs a certificate signing request.
#[utoipa::path(post, path = "/v1/certificates", tag = "certificates", request_body = CertificateCreate,
    responses((status = 201, body = Certificate)))]
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    params.finish()?;
    let mut fields = Fields::new(body, "certificate");
    fields.refuse(&READ_ONLY)?;
    fields.ignore(&["pem"]);
    let bay = if caller.version.has_bays() { fields.text("bay_uuid")? } else { None };
    let (ident, field) = match (fields.text("cluster_uuid")?, bay) {
        (Some(ident), _) => (ident, "cluster_uuid"),
        (None, Some(ident)) => (ident, "bay_uuid"),
        (None, None) => return Err(ApiError::field("cluster_uuid", "is required")),
    };
    let csr = fields.text_of("csr", 1, MAX_CSR)?.ok_or_else(|| ApiError::field("csr", "is required"))?;
    let kind = fields.text("ca_cert_type")?;
    fields.finish()?;

    let found = crate::cluster::look_up(&state, &caller.scope(), &ident).await.map_err(|error| match error {
        // A dangling reference in a body is bad input.
        missing @ StoreError::NotFound { .. } => {
            ApiError::from(missing).with_status(StatusCode::BAD_REQUEST).about(field)
        }
        other => other.into(),
    });
    let record = found?;
    let cluster = &record.cluster;
    caller.may_on("certificate:create", &cluster.project_id, &cluster.user_id)?;
    let name = authority_name(kind.as_deref());
    let secret = authority(&state, &record, name).await?;
    let (Some(certificate), Some(key)) = (secret.certificate, secret.key) else {
        return Err(ApiError::internal("an authority has no key"));
    };
    let authority = Authority::load(&certificate, &key).map_err(ApiError::internal)?;
    let now = Timestamp::now();
    let pem = authority.sign_request(&csr, now).map_err(|error| match error {
        CsrError::Internal(error) => ApiError::internal(error),
        error => ApiError::field("csr", error.to_string()),
    })?;
    let facts = Facts::read_pem(&pem).map_err(ApiError::internal)?;
    // Recorded before it is returned, so that no certificate is unrecorded.
    let issued = IssuedCertificate {
        cluster: record.id(),
        authority: name.to_owned(),
        serial: facts.serial,
        subject: facts.subject,
        user_id: caller.auth.user_id.clone(),
        request_id: caller.request_id.clone(),
        created_at: now,
        expires_at: facts.not_after,
    };
    state.store.record_certificate(&issued).await?;
    let uuid = cluster.uuid.to_string();
    let body = Certificate {
        links: reply::links(&caller.base, "certificates", &uuid),
        bay_uuid: caller.version.has_bays().then(|| uuid.clone()),
        cluster_uuid: uuid,
        csr: Some(csr),
        pem,
        ca_cert_type: kind,
    };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}
