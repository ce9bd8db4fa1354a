//! Clients for probing components and for using the API server.

use jeroboam_types::agent::CertificateProfile as Profile;
use kube::config::{KubeConfigOptions, Kubeconfig};

use super::kubeconfig;
use super::node::Node;
use crate::fault::{Code, Fault};

/// HTTP clients for readiness probes.
#[derive(Debug)]
pub struct Clients {
    /// For components without TLS on the loopback interface.
    pub plain: reqwest::Client,
    /// For components with a certificate from the cluster's CA.
    pub cluster: reqwest::Client,
    /// For components with a self-signed certificate on the loopback interface. Only their state is requested.
    pub own_certificate: reqwest::Client,
}

impl Clients {
    /// # Errors
    /// When the cluster's CA is not a valid certificate.
    pub fn new(node: &Node) -> Result<Self, Fault> {
        let fault = |error: reqwest::Error| {
            Fault::permanent(Code::AssignmentInvalid, "certificates", format!("the cluster's authority: {error}"))
        };
        let builder = || reqwest::Client::builder().no_proxy();
        let authority = reqwest::Certificate::from_pem(node.kubernetes.ca.as_bytes()).map_err(fault)?;
        Ok(Self {
            plain: builder().build().map_err(fault)?,
            cluster: builder().tls_certs_only([authority]).build().map_err(fault)?,
            own_certificate: builder().tls_danger_accept_invalid_certs(true).build().map_err(fault)?,
        })
    }
}

/// A Kubernetes client with the certificate of a profile.
///
/// # Errors
/// When the certificate or the address cannot be used.
pub async fn kube(node: &Node, profile: Profile) -> Result<kube::Client, Fault> {
    let connect = async || -> anyhow::Result<kube::Client> {
        let kubeconfig = Kubeconfig::from_yaml(&kubeconfig::render(node, profile))?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        Ok(kube::Client::try_from(config)?)
    };
    connect().await.map_err(|error| {
        let message = format!("a Kubernetes client with the certificate {profile}: {error:#}");
        Fault::permanent(Code::AssignmentInvalid, "certificates", message)
    })
}
