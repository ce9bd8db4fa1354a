//! Removes what is left of deleted clusters.
//!
//! A delete runs until nothing is left. But an infrastructure may finish a call late: one from a conductor that was
//! killed, which took effect only after the cluster was gone. The sweep finds such leftovers. It removes only those of
//! clusters that this database has recorded as deleted: an unknown cluster may be in use, and the database older than
//! the cluster. It also deletes old idempotency keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use jeroboam_infra::Progress;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use crate::Conductor;
use crate::history::History;

/// Sweeps at once, then every `sweep_interval`, until `shutdown`.
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

/// `told`: unknown clusters that were already reported.
async fn sweep(conductor: &Conductor, told: &mut BTreeSet<Uuid>) {
    conductor.settings.gate.passed().await;
    match conductor.store.deployment().await {
        Ok(deployment) if deployment.hold.is_none() => {}
        // The deployment is held: this database may be out of date.
        Ok(_) => return,
        Err(problem) => return warn!(%problem, "checking whether anything may be removed"),
    }
    // First the infrastructure, then the database: a cluster is recorded before any of its resources are created.
    let clusters = match conductor.infra.clusters().await {
        Ok(clusters) => clusters,
        // While it does not answer nothing can be swept; operations report the outage.
        Err(cause) => return tracing::debug!(cause = cause.message, "looking for leftovers"),
    };
    let known = match conductor.store.known_clusters().await {
        Ok(known) => known,
        Err(problem) => return warn!(%problem, "listing clusters"),
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
            Err(problem) => warn!(%cluster, %problem, "checking whether a cluster was deleted"),
        }
    }
}

async fn forget_keys(conductor: &Conductor) {
    if let Err(problem) = conductor.store.sweep_keys(conductor.clock.now()).await {
        warn!(%problem, "deleting old idempotency keys");
    }
}

async fn remove(conductor: &Conductor, cluster: Uuid) {
    match conductor.infra.remove_network(cluster, Progress::ignored()).await {
        Ok(()) => info!(%cluster, "removed what was left of a deleted cluster"),
        Err(cause) => warn!(%cluster, cause = cause.message, "removing what is left of a deleted cluster"),
    }
}
