//! Heartbeats, by which clients see whether conductors run.

use std::sync::Arc;

use jeroboam_model::mservice::BEAT_EVERY;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::Conductor;

/// Magnum's name of a conductor; clients look for it (contract magnum-v1 section 2.9).
const BINARY: &str = "magnum-conductor";

/// Sends a heartbeat at once, and then every [`BEAT_EVERY`], until `shutdown`.
pub(crate) async fn watch(conductor: Arc<Conductor>, shutdown: CancellationToken) {
    loop {
        // A lost heartbeat does no harm: the next one says the same.
        if let Err(problem) = conductor.store.beat(&conductor.settings.host, BINARY, conductor.clock.now()).await {
            warn!(%problem, "sending a heartbeat");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(BEAT_EVERY.unsigned_abs()) => {}
        }
    }
}
