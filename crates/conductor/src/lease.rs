//! Renews the leases of all operations that a conductor runs, in one write, however many wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jeroboam_store::Held;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use crate::{Conductor, signed};

/// How many times a lease is renewed within its length: one failed renewal does not lose it.
const RENEWALS_PER_LEASE: u32 = 3;

/// The operations that a conductor holds.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    kept: Arc<Mutex<HashMap<Uuid, Kept>>>,
}

#[derive(Debug, Clone)]
struct Kept {
    fence: i64,
    lost: CancellationToken,
    cancel: CancellationToken,
}

/// The lease on an operation, until this is dropped or `lost` is set.
pub(crate) struct Lease {
    /// Set when another conductor has taken over, or may have: this one must not do anything more.
    pub(crate) lost: CancellationToken,
    /// Set when a user or a later delete cancels the operation.
    pub(crate) cancel: CancellationToken,
    operation: Uuid,
    kept: Arc<Mutex<HashMap<Uuid, Kept>>>,
}

impl Leases {
    /// Keeps the lease of an operation that was just claimed.
    pub(crate) fn keep(&self, held: &Held) -> Lease {
        let (lost, cancel) = (CancellationToken::new(), CancellationToken::new());
        let kept = Kept { fence: held.fence(), lost: lost.clone(), cancel: cancel.clone() };
        self.lock().insert(held.operation(), kept);
        Lease { lost, cancel, operation: held.operation(), kept: self.kept.clone() }
    }

    /// Renews all leases until `shutdown`, and after that until the last operation has finished.
    pub(crate) async fn renew(&self, conductor: &Conductor, shutdown: CancellationToken) {
        let length = conductor.settings.lease;
        let mut good_until = conductor.clock.now();
        while !(shutdown.is_cancelled() && self.lock().is_empty()) {
            // An operation that is claimed from here on has a fresh lease, which lasts until the next round.
            let before = self.lock().clone();
            let until = conductor.clock.now().saturating_add(signed(length)).unwrap_or(good_until);
            match conductor.store.renew_all(&conductor.settings.owner, until).await {
                Ok(renewed) => {
                    good_until = until;
                    for (operation, kept) in before {
                        match renewed.get(&operation).filter(|renewed| renewed.fence == kept.fence) {
                            Some(renewed) if renewed.cancel_requested => kept.cancel.cancel(),
                            Some(_) => {}
                            None => kept.lost.cancel(),
                        }
                    }
                }
                Err(problem) => {
                    warn!(%problem, "renewing leases");
                    if conductor.clock.now() >= good_until {
                        before.values().for_each(|kept| kept.lost.cancel());
                    }
                }
            }
            tokio::select! {
                () = shutdown.cancelled(), if !shutdown.is_cancelled() => {}
                () = tokio::time::sleep(length / RENEWALS_PER_LEASE) => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.operation);
    }
}
