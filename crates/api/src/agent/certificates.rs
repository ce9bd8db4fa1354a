//! `POST /agent/v1/certificates`: signs certificates of a node's components.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use jeroboam_pki::Authority;
use jeroboam_store::{ClusterId, Scope, Store};
use jeroboam_types::agent::{CertificatesRequest, CertificatesResponse};
use jiff::Timestamp;

use super::Endpoint;
use super::caller::Caller;
use super::error::AgentError;
use super::profile::{Signer, resolve};

/// Most certificates per call: there are thirteen profiles.
const MAX_REQUESTS: usize = 16;

/// All or nothing: if one is refused, none is signed.
pub(super) async fn certificates(
    State(endpoint): State<Endpoint>,
    Caller(node): Caller,
    Json(CertificatesRequest { requests }): Json<CertificatesRequest>,
) -> Result<Json<CertificatesResponse>, AgentError> {
    if requests.len() > MAX_REQUESTS {
        return Err(AgentError::Invalid(format!(
            "At most {MAX_REQUESTS} certificates can be asked for at once, not {}.",
            requests.len()
        )));
    }
    let record = endpoint.store.cluster_by_uuid(&Scope::All, node.cluster).await?;
    let resolved =
        requests.iter().map(|request| resolve(request.profile, &record, &node)).collect::<Result<Vec<_>, _>>()?;
    let authorities = authorities(&endpoint.store, record.id(), resolved.iter().map(|(signer, _)| *signer)).await?;
    let now = Timestamp::now();
    let mut certificates = Vec::with_capacity(requests.len());
    for (request, (signer, profile)) in requests.iter().zip(&resolved) {
        let Some(authority) = authorities.get(signer) else {
            return Err(AgentError::Internal(format!("authority {signer} was not loaded")));
        };
        certificates.push(authority.issue(profile, &request.csr, now)?);
    }
    tracing::debug!(node = node.name, count = certificates.len(), "signed certificates of a node");
    Ok(Json(CertificatesResponse { certificates }))
}

async fn authorities(
    store: &Store,
    cluster: ClusterId,
    signers: impl Iterator<Item = Signer>,
) -> Result<BTreeMap<Signer, Authority>, AgentError> {
    let mut authorities = BTreeMap::new();
    for signer in signers {
        if authorities.contains_key(&signer) {
            continue;
        }
        let kept = store.secret(cluster, &signer.to_string()).await?;
        let Some((certificate, key)) = kept.and_then(|secret| secret.certificate.zip(secret.key)) else {
            return Err(AgentError::Unavailable(format!("the cluster's authority {signer} is not created yet")));
        };
        authorities.insert(signer, Authority::load(&certificate, &key)?);
    }
    Ok(authorities)
}
