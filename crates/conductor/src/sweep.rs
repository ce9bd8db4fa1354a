//! Takes away what belongs to clusters that nobody knows any more.
//!
//! Deleting looks until nothing is left. But an infrastructure may finish a call late: one that a conductor made before
//! it was cut off, and whose effect came only after the cluster was gone. This finds it. It also forgets idempotency
//! keys that are old enough.

use std::sync::Arc;

use jeroboam_store::StoreError;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use crate::Conductor;

/// Looks at once, then every `sweep_interval`, until `shutdown`.
pub(crate) async fn watch(conductor: Arc<Conductor>, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sweep(&conductor) => forget_keys(&conductor).await,
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(conductor.settings.sweep_interval) => {}
        }
    }
}

async fn sweep(conductor: &Conductor) {
    // First the infrastructure, then the database: a cluster is written down before anything of it is made.
    let clusters = match conductor.infra.clusters().await {
        Ok(clusters) => clusters,
        // While it does not answer there is nothing to sweep; operations tell of the outage.
        Err(cause) => return tracing::debug!(cause = cause.message, "looking for left-overs"),
    };
    for cluster in clusters {
        if let Err(StoreError::NotFound { .. }) = conductor.store.cluster_by_uuid(cluster).await {
            remove(conductor, cluster).await;
        }
    }
}

async fn forget_keys(conductor: &Conductor) {
    if let Err(problem) = conductor.store.sweep_keys(conductor.clock.now()).await {
        warn!(%problem, "forgetting old idempotency keys");
    }
}

async fn remove(conductor: &Conductor, cluster: Uuid) {
    match conductor.infra.remove_network(cluster).await {
        Ok(()) => info!(%cluster, "removed what was left of a cluster that is gone"),
        Err(cause) => warn!(%cluster, cause = cause.message, "removing what is left of a cluster that is gone"),
    }
}
