//! Version and health of a Kubernetes cluster (contract magnum-v1 section 7.5).

use std::time::Duration;

use jeroboam_model::CauseExt as _;
use kube::Client;

use super::{error, node};
use crate::HealthReport;
use crate::tls::chain;

/// How long the whole check may take. If it were longer, one dead cluster would delay the checks of others.
const HEALTH_LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn health(client: &Client) -> HealthReport {
    match tokio::time::timeout(HEALTH_LIMIT, look(client)).await {
        Ok(Ok(report)) => report,
        Ok(Err(kube::Error::Api(status))) => crate::unhealthy(status.message.clone()),
        Ok(Err(error)) => crate::unhealthy(chain(&error)),
        Err(_) => crate::unhealthy(
            error::unreachable("checking its health")
                .said(format!("no answer within {} s", HEALTH_LIMIT.as_secs()))
                .one_line(),
        ),
    }
}

async fn look(client: &Client) -> Result<HealthReport, kube::Error> {
    let ready = http::Request::get("/readyz").body(Vec::new()).map_err(kube::Error::HttpError)?;
    let (_, nodes, version) =
        tokio::try_join!(client.request_text(ready), node::list(client), client.apiserver_version())?;
    let nodes: Vec<_> = nodes.iter().map(node::engine_node).collect();
    Ok(crate::health_of(&nodes, Some(version.git_version)))
}
