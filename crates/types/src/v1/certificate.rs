//! Certificates. Contract magnum-v1 section 2.5.

use serde::{Deserialize, Serialize};

use super::Link;

/// A cluster's CA (`GET`) or a certificate signed by it (`POST`).
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Certificate {
    /// Id of the cluster.
    pub cluster_uuid: String,
    /// The same as `cluster_uuid`, up to microversion 1.10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bay_uuid: Option<String>,
    /// The signing request; only in the response to `POST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr: Option<String>,
    /// PEM of the certificate.
    pub pem: String,
    /// Kind of CA; returned if it was given.
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
    /// The same as `cluster_uuid`, from old clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bay_uuid: Option<String>,
    /// PEM of the signing request.
    pub csr: String,
    /// `kubernetes` (default), `etcd`, `front_proxy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_cert_type: Option<String>,
}

/// Record of a certificate that was signed for a user. An extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssuedCertificate {
    /// Serial number, hexadecimal.
    pub serial: String,
    /// Subject in readable form.
    pub subject: String,
    /// The cluster's CA that signed it: `kubernetes`, `etcd` or `front-proxy`.
    pub ca_cert_type: String,
    /// User who requested it.
    pub user_id: String,
    /// Id of the request, as in the server's log.
    pub request_id: String,
    /// When it was signed.
    pub created_at: String,
    /// When it expires.
    pub expires_at: String,
    /// Whether its CA was rotated since: the certificate is not trusted any more.
    #[serde(default)]
    pub is_void: bool,
}

/// A list of certificates that were signed for users.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssuedCertificateList {
    /// The certificates.
    pub certificates: Vec<IssuedCertificate>,
    /// Link to the next page, if this one is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
