//! Certificates. Contract magnum-v1 section 2.5.

use serde::{Deserialize, Serialize};

use super::Link;

/// A cluster's CA (`GET`) or a certificate signed by it (`POST`).
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Certificate {
    /// The cluster.
    pub cluster_uuid: String,
    /// The same, up to microversion 1.10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bay_uuid: Option<String>,
    /// The request that was signed; only in the answer to `POST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr: Option<String>,
    /// PEM of the certificate.
    pub pem: String,
    /// Echoed when it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_cert_type: Option<String>,
    /// Links.
    pub links: Vec<Link>,
}

/// Body of `POST /v1/certificates`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CertificateCreate {
    /// Id or name of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_uuid: Option<String>,
    /// The same, of old clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bay_uuid: Option<String>,
    /// PEM of the request.
    pub csr: String,
    /// `kubernetes` (default), `etcd`, `front_proxy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_cert_type: Option<String>,
}
