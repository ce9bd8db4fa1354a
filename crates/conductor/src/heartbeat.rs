//! Signs of life, for whoever looks whether conductors run.

use std::sync::Arc;

use jeroboam_model::mservice::BEAT_EVERY;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::Conductor;

/// What Magnum calls a conductor; clients look for this word (contract magnum-v1 section 2.9).
const BINARY: &str = "magnum-conductor";

/// Says at once that the conductor lives, and then every [`BEAT_EVERY`], until `shutdown`.
pub(crate) async fn watch(conductor: Arc<Conductor>, shutdown: CancellationToken) {
    loop {
        // One that is lost does no harm: the next one says the same.
        if let Err(problem) = conductor.store.beat(&conductor.settings.host, BINARY, conductor.clock.now()).await {
            warn!(%problem, "giving a sign of life");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(BEAT_EVERY.unsigned_abs()) => {}
        }
    }
}
