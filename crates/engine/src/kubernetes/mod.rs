//! Kubernetes.
//!
//! - `configure`: the objects that we need in a cluster.
//! - `node`, `mark`, `drain`, `health`: the conductor's calls.
//! - [`Workloads`]: users' workloads of any kind; pods, services and replication controllers in files of their own.
//! - `accounts`: waits until a namespace accepts pods.
//! - `error`: maps Kubernetes' errors.

mod accounts;
mod configure;
mod drain;
mod error;
mod health;
mod mark;
mod node;
mod pod;
mod replication_controller;
mod service;
mod workloads;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use hyper_util::rt::TokioExecutor;
use jeroboam_model::{Cause, CauseExt as _, Cluster, Code};
use kube::Client;
use kube::client::ClientBuilder;
use kube::client::middleware::BaseUriLayer;
use moka::future::Cache;
use url::Url;
pub use workloads::{ManifestOf, Workload, Workloads};

use crate::{Access, Engine, EngineNode, HealthReport, NodeMarks, Result, WorkloadError, tls};

/// How long one method may take, except `drain` and `health`. An API server answers within milliseconds; a busy one
/// within seconds.
const LIMIT: Duration = Duration::from_secs(15);
/// Name under which we own fields (server-side apply), and the user agent of our changes.
const FIELD_MANAGER: &str = "jeroboam";

/// Kubernetes clusters. Cheap to clone; keeps a client per cluster, so that connections are reused.
#[derive(Clone)]
pub struct Kubernetes {
    clients: Cache<(Url, String), Client>,
}

impl Default for Kubernetes {
    fn default() -> Self {
        Self::new()
    }
}

impl Kubernetes {
    /// Without any clients yet.
    #[must_use]
    pub fn new() -> Self {
        Self { clients: Cache::builder().max_capacity(tls::CLIENTS).time_to_idle(tls::CLIENT_IDLE).build() }
    }

    /// The workloads of one cluster.
    ///
    /// # Errors
    /// [`WorkloadError::Unreachable`] when its API cannot be reached.
    pub async fn workloads(&self, access: &Access) -> std::result::Result<Workloads, WorkloadError> {
        let client = self.client(access).await.map_err(|cause| WorkloadError::Unreachable(cause.one_line()))?;
        Ok(Workloads::new(client))
    }

    async fn client(&self, access: &Access) -> Result<Client> {
        let url = tls::reachable(access).await?;
        // A new client certificate is a new identity; the key belongs to the certificate.
        let key = (url, access.certificate.clone());
        if let Some(client) = self.clients.get(&key).await {
            return Ok(client);
        }
        let client = build(&key.0, access)?;
        self.clients.insert(key, client.clone()).await;
        Ok(client)
    }
}

fn build(url: &Url, access: &Access) -> Result<Client> {
    let base: http::Uri = url.as_str().parse().map_err(|error: http::uri::InvalidUri| {
        Cause::operator(
            Code::EngineRefused,
            format!("The cluster's API address '{url}' cannot be used"),
            "Retry the cluster's last operation, which determines the address again",
        )
        .said(error)
    })?;
    // Not built from kube's configuration: that takes keys as base64 only, logs every failure as an error and retries
    // requests, which is the conductor's task.
    let https = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(tls::connector(access)?);
    let service = tower::ServiceBuilder::new().layer(BaseUriLayer::new(base)).service(https);
    Ok(ClientBuilder::new(service, crate::manifest::rules::NAMESPACE).build())
}

/// Runs a request with a time limit and maps its error to a cause.
async fn within<T>(
    limit: Duration,
    doing: &str,
    work: impl Future<Output = std::result::Result<T, kube::Error>> + Send,
) -> Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome.map_err(|error| error::cause(doing, &error)),
        Err(_) => Err(error::unreachable(doing).said(format!("no answer within {} s", limit.as_secs()))),
    }
}

#[async_trait]
impl Engine for Kubernetes {
    async fn configure(&self, access: &Access, cluster: &Cluster) -> Result<()> {
        let client = self.client(access).await?;
        configure::configure(&client, cluster).await?;
        accounts::await_default(&client).await
    }

    async fn mark(&self, access: &Access, marks: &BTreeMap<String, NodeMarks>) -> Result<()> {
        mark::mark(&self.client(access).await?, marks).await
    }

    async fn nodes(&self, access: &Access) -> Result<Vec<EngineNode>> {
        node::nodes(&self.client(access).await?).await
    }

    async fn drain(&self, access: &Access, node: &str) -> Result<()> {
        drain::drain(&self.client(access).await?, node).await
    }

    async fn forget(&self, access: &Access, node: &str) -> Result<()> {
        node::forget(&self.client(access).await?, node).await
    }

    async fn health(&self, access: &Access) -> HealthReport {
        match self.client(access).await {
            Ok(client) => health::health(&client).await,
            Err(cause) => crate::unhealthy(cause.one_line()),
        }
    }
}
