//! Keeps operations ours while we work on them: all of a conductor's at once, however many wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jeroboam_store::Held;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use crate::{Conductor, signed};

/// How many times a lease is renewed in its life: one lost renewal does not lose it.
const RENEWALS_PER_LEASE: u32 = 3;

/// The operations that a conductor has.
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

/// An operation that is ours until this is dropped, or until one of the tokens says otherwise.
pub(crate) struct Lease {
    /// Set when another conductor has taken over, or may have: nothing must be done any more.
    pub(crate) lost: CancellationToken,
    /// Set when a user, or a later delete, wants the operation to end.
    pub(crate) cancel: CancellationToken,
    operation: Uuid,
    kept: Arc<Mutex<HashMap<Uuid, Kept>>>,
}

impl Leases {
    /// Keeps an operation that was just taken.
    pub(crate) fn keep(&self, held: &Held) -> Lease {
        let (lost, cancel) = (CancellationToken::new(), CancellationToken::new());
        let kept = Kept { fence: held.fence(), lost: lost.clone(), cancel: cancel.clone() };
        self.lock().insert(held.operation(), kept);
        Lease { lost, cancel, operation: held.operation(), kept: self.kept.clone() }
    }

    /// Renews all of them until `shutdown`. They go on being renewed until the last one has ended.
    pub(crate) async fn renew(&self, conductor: &Conductor, shutdown: CancellationToken) {
        let length = conductor.settings.lease;
        let mut good_until = conductor.clock.now();
        while !(shutdown.is_cancelled() && self.lock().is_empty()) {
            // What is taken from here on has a lease of its own that lasts until the next time.
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
