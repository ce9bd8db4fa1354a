//! Connections to an engine's API: TLS with the cluster's CA and a client certificate, both from memory.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use jeroboam_model::{Cause, CauseExt as _, Code};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use url::Url;

use crate::bounded::BoundedConnector;
use crate::{Access, Result};

/// Timeout of connecting. The masters are near: in the same cloud, if not on the same machine.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How many clients are cached. Beyond that, connections are opened again.
pub(crate) const CLIENTS: u64 = 1024;
/// How long an unused client is cached. Above the interval of health checks, so that these reuse their connections.
pub(crate) const CLIENT_IDLE: Duration = Duration::from_secs(300);

/// A connector that trusts only the cluster's CA, and presents the client certificate.
pub(crate) fn connector(access: &Access) -> Result<HttpsConnector<BoundedConnector>> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_LIMIT));
    let https = HttpsConnectorBuilder::new().with_tls_config(client_config(access)?).https_only().enable_http1();
    Ok(https.wrap_connector(BoundedConnector(http)))
}

fn client_config(access: &Access) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&access.ca, "CA")? {
        roots.add(certificate).map_err(|error| broken("CA", &error))?;
    }
    let chain = certificates(&access.certificate, "client certificate")?;
    // The parser's error is not shown: it may quote what it read.
    let key =
        PrivateKeyDer::from_pem_slice(access.key.as_bytes()).map_err(|_| broken("client key", &"is no PEM key"))?;
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| broken("TLS configuration", &error))?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(|error| broken("client certificate", &error))
}

fn certificates(pem: &str, what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| broken(what, &error))?;
    if found.is_empty() { Err(broken(what, &"is no PEM certificate")) } else { Ok(found) }
}

fn broken(what: &str, error: &dyn std::fmt::Display) -> Cause {
    Cause::operator(
        Code::SecretUnreadable,
        format!("The stored {what} of the cluster cannot be used"),
        "Check that the encryption key in the data folder is the one that the database was written with; then retry",
    )
    .said(error)
}

/// The URL to use: the cluster's API address, or that of the first other master that accepts a connection when the API
/// address does not. With only one master no connection is tried.
pub(crate) async fn reachable(access: &Access) -> Result<Url> {
    let first = Url::parse(&access.api_address).map_err(|error| {
        Cause::operator(
            Code::EngineRefused,
            format!("The cluster's API address '{}' is not a URL", access.api_address),
            "Retry the cluster's last operation, which determines the address again",
        )
        .said(error)
    })?;
    let mut candidates = vec![first.clone()];
    for master in &access.masters {
        let mut url = first.clone();
        if url.set_ip_host(*master).is_ok() && !candidates.contains(&url) {
            candidates.push(url);
        }
    }
    if candidates.len() > 1 {
        for url in &candidates {
            if takes_connections(url).await {
                return Ok(url.clone());
            }
        }
    }
    Ok(first)
}

async fn takes_connections(url: &Url) -> bool {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return false };
    // The brackets of an IPv6 address belong to the URL.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    matches!(tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect((host, port))).await, Ok(Ok(_)))
}

/// The same URL at another host.
pub(crate) fn at_host(url: &Url, host: IpAddr) -> Option<Url> {
    let mut url = url.clone();
    url.set_ip_host(host).ok()?;
    Some(url)
}

/// Wrappers of libraries around an error that add no information.
const WRAPPERS: [&str; 3] = ["ServiceError", "Error in the hyper legacy client", "client error ("];

/// The whole chain of an error in one line: what libraries print is often just "client error".
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let parts = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
    let mut text = String::new();
    for part in parts.filter(|part| !WRAPPERS.iter().any(|wrapper| part.starts_with(wrapper))) {
        if text.is_empty() {
            text = part;
        } else if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
    }
    if text.is_empty() { error.to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn a_chain_of_errors_says_what_is_wrong_and_nothing_twice() {
        let refused = Layer("Connection refused (os error 111)", None);
        let connect = Layer("tcp connect error", Some(Box::new(refused)));
        let outer = Layer("ServiceError: client error (Connect)", Some(Box::new(connect)));
        assert_eq!(chain(&outer), "tcp connect error: Connection refused (os error 111)");
        assert_eq!(chain(&Layer("client error (Connect)", None)), "client error (Connect)");
        let inner = Layer("bad record", None);
        assert_eq!(chain(&Layer("TLS: bad record", Some(Box::new(inner)))), "TLS: bad record");
    }
}
