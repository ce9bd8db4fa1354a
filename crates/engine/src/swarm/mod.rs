//! Docker Engines in swarm mode.
//!
//! - `network`: the project's network.
//! - `node`, `drain`, `rescue`: the conductor's calls.
//! - [`Containers`]: a project's containers. `spec` makes the service that runs one, `status` determines its status,
//!   `output` reads logs and runs commands; `image` and `memory` check users' input.
//! - `error`: maps a swarm's errors.

mod container;
mod drain;
mod error;
mod image;
mod memory;
mod network;
mod node;
mod output;
mod rescue;
mod spec;
mod status;

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
pub use container::Containers;
use hyper_util::rt::TokioExecutor;
use jeroboam_model::{CauseExt as _, Cluster};
use moka::future::Cache;
pub use spec::NewContainer;
use url::Url;

use crate::{Access, Engine, EngineNode, HealthReport, Result, WorkloadError, tls};

/// How long one request to an engine may take. Managers answer within milliseconds, during the election of a leader
/// within seconds.
const LIMIT: Duration = Duration::from_secs(10);
/// How long a health check of a swarm may take.
const HEALTH_LIMIT: Duration = Duration::from_secs(5);

/// Swarms. Cheap to clone; keeps a client per engine, so that connections are reused.
#[derive(Clone)]
pub struct Swarm {
    clients: Cache<(Url, String), Docker>,
}

impl Default for Swarm {
    fn default() -> Self {
        Self::new()
    }
}

impl Swarm {
    /// Without any clients yet.
    #[must_use]
    pub fn new() -> Self {
        Self { clients: Cache::builder().max_capacity(tls::CLIENTS).time_to_idle(tls::CLIENT_IDLE).build() }
    }

    /// The containers of one project in one swarm. Those of other projects are not visible.
    ///
    /// # Errors
    /// [`WorkloadError::Unreachable`] when none of the swarm's managers can be reached.
    pub async fn containers(
        &self,
        access: &Access,
        project_id: &str,
    ) -> std::result::Result<Containers, WorkloadError> {
        let unreachable = |cause: jeroboam_model::Cause| WorkloadError::Unreachable(cause.one_line());
        let url = tls::reachable(access).await.map_err(unreachable)?;
        let docker = self.at(&url, access).await.map_err(unreachable)?;
        Ok(Containers::new(self.clone(), access.clone(), url, docker, project_id))
    }

    async fn client(&self, access: &Access) -> Result<Docker> {
        self.at(&tls::reachable(access).await?, access).await
    }

    /// The engine at a URL of the cluster.
    async fn at(&self, url: &Url, access: &Access) -> Result<Docker> {
        let key = (url.clone(), access.certificate.clone());
        if let Some(docker) = self.clients.get(&key).await {
            return Ok(docker);
        }
        let docker = connect(url, access)?;
        // Once per client: an engine refuses requests with an API version that it does not know.
        let docker = within("asking for its version", docker.negotiate_version()).await?;
        self.clients.insert(key, docker.clone()).await;
        Ok(docker)
    }
}

/// bollard's own TLS reads keys from files at every connection, and also trusts the machine's CAs.
fn connect(url: &Url, access: &Access) -> Result<Docker> {
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(tls::connector(access)?);
    let transport = move |request: BollardRequest| {
        let client = client.clone();
        async move { client.request(request).await.map_err(bollard::errors::Error::from) }
    };
    let address = url.as_str().trim_end_matches('/');
    Docker::connect_with_custom_transport(transport, Some(address), LIMIT.as_secs(), API_DEFAULT_VERSION)
        .map_err(|error| error::cause("connecting to it", &error))
}

/// Runs a request with a time limit and maps its error to a cause.
async fn within<T>(
    doing: &str,
    work: impl Future<Output = std::result::Result<T, bollard::errors::Error>> + Send,
) -> Result<T> {
    match tokio::time::timeout(LIMIT, work).await {
        Ok(outcome) => outcome.map_err(|error| error::cause(doing, &error)),
        Err(_) => Err(error::unreachable(doing).said(format!("no answer within {} s", LIMIT.as_secs()))),
    }
}

#[async_trait]
impl Engine for Swarm {
    async fn configure(&self, access: &Access, cluster: &Cluster) -> Result<()> {
        network::ensure(&self.client(access).await?, &cluster.project_id).await.map(|_| ())
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
        let look = async {
            let docker = self.client(access).await?;
            let (nodes, version) =
                tokio::try_join!(node::nodes(&docker), within("asking for its version", docker.version()))?;
            Ok::<_, jeroboam_model::Cause>(crate::health_of(&nodes, version.version))
        };
        match tokio::time::timeout(HEALTH_LIMIT, look).await {
            Ok(Ok(report)) => report,
            Ok(Err(cause)) => crate::unhealthy(cause.one_line()),
            Err(_) => crate::unhealthy(format!("no answer within {} s", HEALTH_LIMIT.as_secs())),
        }
    }
}
