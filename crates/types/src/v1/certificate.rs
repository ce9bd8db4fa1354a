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

/// What is known of a certificate that was signed for a user. Ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssuedCertificate {
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// Its subject, as people read it.
    pub subject: String,
    /// Which of the cluster's authorities signed it: `kubernetes`, `etcd` or `front-proxy`.
    pub ca_cert_type: String,
    /// User who asked for it.
    pub user_id: String,
    /// Id of the request that asked for it, as the server's log has it.
    pub request_id: String,
    /// When it was signed.
    pub created_at: String,
    /// When it ends.
    pub expires_at: String,
    /// Whether the authority that signed it was rotated since: nobody trusts it any more.
    #[serde(default)]
    pub is_void: bool,
}

/// A list of certificates that were signed for users.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssuedCertificateList {
    /// The certificates.
    pub certificates: Vec<IssuedCertificate>,
    /// Link to the next page, when this one is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
