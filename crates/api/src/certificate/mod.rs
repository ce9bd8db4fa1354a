//! Certificates of a cluster's authorities (contract magnum-v1 section 2.5).

mod create;
mod list;
mod rotate;
mod show;

use axum::routing::get;
use jeroboam_store::{ClusterRecord, Secret};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::http::{ApiError, ApiReason, Result};

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show::show, rotate::rotate))
        .routes(routes!(create::create))
        .routes(routes!(list::list))
        // The same as with the query parameter, also in Magnum.
        .route("/v1/certificates/{ident}/{ca_cert_type}", get(show::positional))
}

/// The authority that every cluster has.
const MAIN: &str = "kubernetes";

/// The name of the authority that a client requests. Anything unknown means the main one, as in Magnum.
fn authority_name(kind: Option<&str>) -> &'static str {
    match kind {
        Some("etcd") => "etcd",
        Some("front_proxy" | "front-proxy") => "front-proxy",
        _ => MAIN,
    }
}

/// The authority's certificate and key.
async fn authority(state: &AppState, record: &ClusterRecord, name: &str) -> Result<Secret> {
    let cluster = &record.cluster;
    if !cluster.engine.authorities.contains(&name) {
        return Err(ApiError::new(
            http::StatusCode::NOT_FOUND,
            ApiReason::NoSuchAuthority,
            format!(
                "Cluster {} has no certificate authority '{name}' and will have none: clusters of {} have a single \
                 one. Leave ca_cert_type out.",
                cluster.name, cluster.engine
            ),
        )
        .about("ca_cert_type"));
    }
    let secret = state.store.secret(record.id(), name).await?;
    secret.filter(|secret| secret.certificate.is_some()).ok_or_else(|| {
        ApiError::new(
            http::StatusCode::NOT_FOUND,
            ApiReason::CertificateNotThereYet,
            format!("Cluster {} has no certificate authority '{name}' yet. Wait until it is created.", cluster.name),
        )
    })
}
