//! `GET /v1/clusters/{cluster}/certificates`: the certificates signed for users. Ours: finding a stolen certificate
//! needs a list of all.

use axum::extract::{Path, State};
use axum::response::Response;
use jeroboam_types::v1::{IssuedCertificate, IssuedCertificateList};
use serde_json::Value;

use crate::AppState;
use crate::http::{Caller, Params, Result, reply};

/// Lists the certificates that a cluster's authorities signed for users, oldest first.
#[utoipa::path(get, path = "/v1/clusters/{ident}/certificates", tag = "certificates",
    params(("ident" = String, Path), ("limit" = Option<u64>, Query), ("marker" = Option<String>, Query),
        ("sort_key" = Option<String>, Query), ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = IssuedCertificateList)))]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    let listing = params.listing_by::<String>(Vec::new(), "a serial number")?;
    let cluster = crate::cluster::find(&state, &caller, &ident, "certificate:get").await?.id();
    let issued = state.store.issued_certificates(cluster, &listing.page).await?;
    let generation = state.store.authorities_generation(cluster).await?;
    let url = format!("{}/v1/clusters/{cluster}/certificates", caller.base);
    let next = listing.next(&url, issued.iter().map(|certificate| certificate.serial.clone()));
    Ok(reply::list("certificates", issued.into_iter().map(|certificate| view(certificate, generation)).collect(), next))
}

/// `generation` is that of the cluster's current authorities.
fn view(issued: jeroboam_store::IssuedCertificate, generation: u64) -> Value {
    let is_void = u64::try_from(issued.created_at.as_microsecond()).is_ok_and(|signed| signed < generation);
    Value::Object(reply::attributes(IssuedCertificate {
        serial: issued.serial,
        subject: issued.subject,
        ca_cert_type: issued.authority,
        user_id: issued.user_id,
        request_id: issued.request_id,
        created_at: reply::time(issued.created_at),
        expires_at: reply::time(issued.expires_at),
        is_void,
    }))
}
