//! Manifests by URL (contract workloads-2015 section 2.2). The server fetches URLs of users, who could point it at
//! targets that only the server can reach (SSRF): the rules here prevent that.
//!
//! The name is resolved once, all its addresses are checked, and the connection goes to exactly these addresses, so
//! that a name that resolves differently a moment later (DNS rebinding) has no effect. A redirect is checked in the
//! same way.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::LOCATION;
use url::{Host, Url};

use super::{MAX_BYTES, address};
use crate::WorkloadError;

/// Limit for the whole fetch, redirects included. A manifest is small, and the user waits for the response.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Redirects that are followed: `http` to `https`, then to a canonical or raw-content host.
const MAX_REDIRECTS: usize = 3;

/// Fetches manifests. Keeps no state.
#[derive(Debug, Clone, Default)]
pub struct ManifestFetcher {
    /// Internal networks that are allowed as an exception; none by default. For operators who keep manifests on their
    /// own server.
    pub allow_internal: Vec<IpNet>,
}

impl ManifestFetcher {
    /// Fetches the text at `url`, at most [`MAX_BYTES`].
    ///
    /// # Errors
    /// [`WorkloadError::Invalid`] with field `manifest_url` for every failure (contract: all are 400).
    pub async fn fetch(&self, url: &str) -> Result<String, WorkloadError> {
        tokio::time::timeout(TIME_LIMIT, self.follow(url))
            .await
            .unwrap_or_else(|_| Err(refuse(format!("the server did not answer within {} s", TIME_LIMIT.as_secs()))))
    }

    async fn follow(&self, url: &str) -> Result<String, WorkloadError> {
        let mut url = Url::parse(url).map_err(|error| refuse(format!("is not a URL: {error}")))?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.get(&url).await?;
            let status = response.status();
            if status.is_redirection() {
                let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
                let location =
                    location.ok_or_else(|| refuse(format!("the server answered {status} without a Location")))?;
                url = url.join(location).map_err(|error| refuse(format!("redirects to an invalid URL: {error}")))?;
            } else if status.is_success() {
                return read(response).await;
            } else {
                return Err(refuse(format!("the server answered {status}")));
            }
        }
        Err(refuse(format!("redirects more than {MAX_REDIRECTS} times")))
    }

    async fn get(&self, url: &Url) -> Result<reqwest::Response, WorkloadError> {
        let addresses = self.vetted(url).await?;
        // One client per request: it resolves only this host. No proxies: they would resolve names themselves.
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(Vetted(addresses)))
            .user_agent(concat!("jeroboam/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| refuse(format!("cannot be fetched: {}", innermost(&error))))?;
        client
            .get(url.clone())
            .send()
            .await
            .map_err(|error| refuse(format!("cannot be fetched: {}", innermost(&error))))
    }

    /// The addresses of the URL's host, all of them public or allowed.
    async fn vetted(&self, url: &Url) -> Result<Vec<SocketAddr>, WorkloadError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse(format!("must begin with http:// or https://, not {}:", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("must not carry a user name or password"));
        }
        let host = url.host().ok_or_else(|| refuse("has no host"))?;
        let port = url.port_or_known_default().unwrap_or_default();
        match host {
            Host::Ipv4(address) => self.vet(IpAddr::V4(address)).map(|()| vec![SocketAddr::from((address, port))]),
            Host::Ipv6(address) => self.vet(IpAddr::V6(address)).map(|()| vec![SocketAddr::from((address, port))]),
            Host::Domain(name) => {
                let found: Vec<SocketAddr> = tokio::net::lookup_host((name, port))
                    .await
                    .map_err(|error| refuse(format!("the name {name} cannot be resolved: {error}")))?
                    .collect();
                // One internal address is enough to refuse: a connection may use any of them.
                found.iter().try_for_each(|address| self.vet(address.ip()))?;
                if found.is_empty() { Err(refuse(format!("the name {name} has no address"))) } else { Ok(found) }
            }
        }
    }

    fn vet(&self, address: IpAddr) -> Result<(), WorkloadError> {
        match address::internal(address, &self.allow_internal) {
            None => Ok(()),
            // The message does not have the address: it would reveal how internal names resolve.
            Some(why) => Err(refuse(format!(
                "points at an internal address ({why}). Put the manifest on a public server, or send it as text"
            ))),
        }
    }
}

/// Resolves every name to the addresses that were checked.
struct Vetted(Vec<SocketAddr>);

impl Resolve for Vetted {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses = self.0.clone();
        Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    }
}

async fn read(mut response: reqwest::Response) -> Result<String, WorkloadError> {
    let too_long = || refuse(format!("is more than the {MAX_BYTES} bytes that a manifest may have"));
    if response.content_length().is_some_and(|length| length > MAX_BYTES as u64) {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| refuse(format!("was interrupted: {}", innermost(&error))))?
    {
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err(too_long());
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| refuse("is not UTF-8 text"))
}

fn refuse(message: impl Into<String>) -> WorkloadError {
    WorkloadError::Invalid { field: "manifest_url".to_owned(), message: message.into() }
}

/// The last error of the chain: the ones above it say "error sending request" and repeat the URL.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}
