//! Certificates.

use jeroboam_types::v1::{Certificate, CertificateCreate, IssuedCertificate, IssuedCertificateList};

use crate::Result;
use crate::change::Change;
use crate::cluster::Accepted;
use crate::session::{Call, Client};

impl Client {
    /// Returns the CA of a cluster.
    ///
    /// # Errors
    /// 404 when there is no such cluster, or it has no CA yet.
    pub async fn certificate_authority(&self, cluster: &str) -> Result<Certificate> {
        self.json(Call::get(&["certificates", cluster])).await
    }

    /// Returns the certificates that a cluster's CAs signed for users, oldest first.
    ///
    /// # Errors
    /// 404 when there is no such cluster.
    pub async fn issued_certificates(&self, cluster: &str) -> Result<Vec<IssuedCertificate>> {
        self.pages(
            &["clusters", cluster, "certificates"],
            |list: IssuedCertificateList| (list.certificates, list.next),
            |certificate| certificate.serial.clone(),
        )
        .await
    }

    /// Requests a rotation of the cluster's CAs. Returns at once.
    ///
    /// # Errors
    /// 400 when the cluster's status does not allow it, 404 when there is no such cluster.
    pub async fn rotate_certificate_authorities(&self, cluster: &str) -> Result<Accepted> {
        self.ask(Change::RotateAuthorities(cluster)).await
    }

    /// Gets a certificate signing request (PEM) signed by the cluster's CA.
    ///
    /// # Errors
    /// 400 when the request is refused or there is no such cluster.
    pub async fn sign_certificate(&self, cluster: &str, request: &str) -> Result<Certificate> {
        let body = CertificateCreate {
            cluster_uuid: Some(cluster.to_owned()),
            bay_uuid: None,
            csr: request.to_owned(),
            ca_cert_type: None,
        };
        self.json(Call::post(&["certificates"]).body(&body)?).await
    }
}
