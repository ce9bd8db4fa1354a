//! Takes away what is left of clusters that were deleted.
//!
//! Deleting looks until nothing is left. But an infrastructure may finish a call late: one that a conductor made before
//! it was cut off, and whose effect came only after the cluster was gone. This finds it. It removes only what this
//! database knows to have been deleted: what it does not know at all may be somebody's living cluster, and the database
//! an older one than that. It also forgets idempotency keys that are old enough.

use std::collections::BTreeSet;
use std::sync::Arc;

use jeroboam_infra::Progress;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use crate::Conductor;
use crate::history::History;

/// Looks at once, then every `sweep_interval`, until `shutdown`.
pub(crate) async fn watch(conductor: Arc<Conductor>, shutdown: CancellationToken) {
    let mut told = BTreeSet::new();
    let mut history = History::default();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sweep(&conductor, &mut told) => forget_keys(&conductor).await,
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = history.forget(&conductor) => {}
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(conductor.settings.sweep_interval) => {}
        }
    }
}

/// `told`: clusters that nobody knows and that were told of already.
async fn sweep(conductor: &Conductor, told: &mut BTreeSet<Uuid>) {
    conductor.settings.gate.passed().await;
    match conductor.store.deployment().await {
        Ok(deployment) if deployment.hold.is_none() => {}
        // What this database knows may be out of date.
        Ok(_) => return,
        Err(problem) => return warn!(%problem, "finding out whether anything may be removed"),
    }
    // First the infrastructure, then the database: a cluster is written down before anything of it is made.
    let clusters = match conductor.infra.clusters().await {
        Ok(clusters) => clusters,
        // While it does not answer there is nothing to sweep; operations tell of the outage.
        Err(cause) => return tracing::debug!(cause = cause.message, "looking for left-overs"),
    };
    let known = match conductor.store.known_clusters().await {
        Ok(known) => known,
        Err(problem) => return warn!(%problem, "finding out which clusters there are"),
    };
    for cluster in clusters.into_iter().filter(|cluster| !known.contains(cluster)) {
        match conductor.store.was_deleted(cluster).await {
            Ok(true) => remove(conductor, cluster).await,
            Ok(false) if told.insert(cluster) => warn!(
                %cluster,
                "there are machines, disks or networks of a cluster that this database does not know; they are left \
                 alone. See 'jeroboam orphan list'"
            ),
            Ok(false) => {}
            Err(problem) => warn!(%cluster, %problem, "finding out whether a cluster was deleted"),
        }
    }
}

async fn forget_keys(conductor: &Conductor) {
    if let Err(problem) = conductor.store.sweep_keys(conductor.clock.now()).await {
        warn!(%problem, "forgetting old idempotency keys");
    }
}

async fn remove(conductor: &Conductor, cluster: Uuid) {
    match conductor.infra.remove_network(cluster, Progress::ignored()).await {
        Ok(()) => info!(%cluster, "removed what was left of a cluster that was deleted"),
        Err(cause) => warn!(%cluster, cause = cause.message, "removing what is left of a cluster that was deleted"),
    }
}
