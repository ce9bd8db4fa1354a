//! Keeps an operation ours while we work on it.

use std::time::Duration;

use jeroboam_store::{Store, StoreError};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;
use uuid::Uuid;

use crate::{Clock, signed};

/// How many times a lease is renewed in its life: one lost renewal does not lose it.
const RENEWALS_PER_LEASE: u32 = 3;

/// An operation that is ours until this is dropped, or until one of the tokens says otherwise.
pub(crate) struct Lease {
    /// Ours by this number; every write carries it.
    pub(crate) fence: i64,
    /// Set when another conductor has taken over: nothing must be written any more.
    pub(crate) lost: CancellationToken,
    /// Set when a user, or a later delete, wants the operation to end.
    pub(crate) cancel: CancellationToken,
    _renewal: AbortOnDropHandle<()>,
}

impl Lease {
    /// Renews in the background from now on.
    pub(crate) fn keep(store: Store, operation: Uuid, fence: i64, length: Duration, clock: Clock) -> Self {
        let lost = CancellationToken::new();
        let cancel = CancellationToken::new();
        let renewal = tokio::spawn({
            let (lost, cancel) = (lost.clone(), cancel.clone());
            async move {
                let mut events = store.subscribe();
                let mut good_until = clock.now();
                loop {
                    let until = clock.now().saturating_add(signed(length)).unwrap_or(good_until);
                    match store.renew(operation, fence, until).await {
                        Ok(cancel_requested) => {
                            good_until = until;
                            if cancel_requested {
                                cancel.cancel();
                            }
                        }
                        Err(StoreError::LeaseLost) => return lost.cancel(),
                        Err(problem) => {
                            warn!(%operation, %problem, "renewing the lease");
                            if clock.now() >= good_until {
                                return lost.cancel();
                            }
                        }
                    }
                    // A request to cancel comes as an event; without one the next renewal sees it.
                    let pause = tokio::time::sleep(length / RENEWALS_PER_LEASE);
                    tokio::pin!(pause);
                    loop {
                        tokio::select! {
                            () = &mut pause => break,
                            event = events.recv() => match event {
                                Ok(event) if event.operation == Some(operation) => {
                                    if store.is_cancel_requested(operation).await.unwrap_or(false) {
                                        cancel.cancel();
                                    }
                                }
                                Ok(_) | Err(RecvError::Lagged(_)) => {}
                                Err(RecvError::Closed) => { (&mut pause).await; break; }
                            },
                        }
                    }
                }
            }
        });
        Self { fence, lost, cancel, _renewal: AbortOnDropHandle::new(renewal) }
    }
}
