//! `GET /v1/certificates/{cluster}`.

use axum::Json;
use axum::extract::{Path, State};
use jeroboam_types::v1::Certificate;

use super::{authority, authority_name};
use crate::AppState;
use crate::http::{Caller, Params, Result, reply};

/// Shows the certificate of a cluster's authority.
#[utoipa::path(get, path = "/v1/certificates/{ident}", tag = "certificates",
    params(("ident" = String, Path), ("ca_cert_type" = Option<String>, Query)),
    responses((status = 200, body = Certificate)))]
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    mut params: Params,
) -> Result<Json<Certificate>> {
    let kind = params.take("ca_cert_type");
    params.finish()?;
    run(&state, &caller, &ident, kind).await
}

/// The same with the type of authority in the path.
pub(super) async fn positional(
    State(state): State<AppState>,
    caller: Caller,
    Path((ident, kind)): Path<(String, String)>,
    params: Params,
) -> Result<Json<Certificate>> {
    params.finish()?;
    run(&state, &caller, &ident, Some(kind)).await
}

async fn run(state: &AppState, caller: &Caller, ident: &str, kind: Option<String>) -> Result<Json<Certificate>> {
    let record = crate::cluster::find(state, caller, ident, "certificate:get").await?;
    let secret = authority(state, &record, authority_name(kind.as_deref())).await?;
    let uuid = record.cluster.uuid.to_string();
    Ok(Json(Certificate {
        links: reply::links(&caller.base, "certificates", &uuid),
        bay_uuid: caller.version.has_bays().then(|| uuid.clone()),
        cluster_uuid: uuid,
        csr: None,
        pem: secret.certificate.unwrap_or_default().trim_end().to_owned(),
        ca_cert_type: kind,
    }))
}
