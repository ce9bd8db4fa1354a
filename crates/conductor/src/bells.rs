//! Wakes up tasks that wait for a change in a cluster. One task receives all events of the store; a waiting task is
//! notified only of those of its own cluster.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use jeroboam_store::{Event, Store};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Notifications of one cluster.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    /// An operation of the cluster was requested, has changed or is to be cancelled.
    pub(crate) operation: Notify,
    /// Something was reported of the cluster or its nodes.
    pub(crate) fact: Notify,
    /// Whether the infrastructure has reported a change since this was last taken.
    machines: AtomicBool,
}

impl Bell {
    /// Whether the machines may have changed since the last call.
    pub(crate) fn take_machines(&self) -> bool {
        self.machines.swap(false, Ordering::AcqRel)
    }
}

/// The bells of the clusters that some task waits for.
#[derive(Debug, Default)]
pub(crate) struct Bells {
    by_cluster: Mutex<HashMap<Uuid, Weak<Bell>>>,
}

impl Bells {
    /// The cluster's bell. It exists for as long as a caller holds it.
    pub(crate) fn of(&self, cluster: Uuid) -> Arc<Bell> {
        let mut bells = self.by_cluster.lock().unwrap_or_else(PoisonError::into_inner);
        bells.retain(|_, bell| bell.strong_count() > 0);
        bells.get(&cluster).and_then(Weak::upgrade).unwrap_or_else(|| {
            let bell = Arc::default();
            bells.insert(cluster, Arc::downgrade(&bell));
            bell
        })
    }

    /// Wakes those who wait for the cluster when the infrastructure reports a change of it. Returns whether there are
    /// any.
    pub(crate) fn machines_changed(&self, cluster: Uuid) -> bool {
        let bells = self.by_cluster.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bell) = bells.get(&cluster).and_then(Weak::upgrade) else { return false };
        bell.machines.store(true, Ordering::Release);
        bell.fact.notify_waiters();
        true
    }

    /// Whether any task waits for the cluster.
    pub(crate) fn is_heard(&self, cluster: Uuid) -> bool {
        let bells = self.by_cluster.lock().unwrap_or_else(PoisonError::into_inner);
        bells.get(&cluster).is_some_and(|bell| bell.strong_count() > 0)
    }

    /// Forwards the store's events to the bells until `shutdown`.
    pub(crate) async fn ring(&self, store: &Store, shutdown: CancellationToken) {
        let mut events = store.subscribe();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                event = events.recv() => match event {
                    Ok(event) => self.ring_for(&event),
                    Err(RecvError::Lagged(_)) => self.ring_all(),
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }

    fn ring_for(&self, event: &Event) {
        let bells = self.by_cluster.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bell) = bells.get(&event.cluster).and_then(Weak::upgrade) else { return };
        match event.operation {
            Some(_) => bell.operation.notify_waiters(),
            None => bell.fact.notify_waiters(),
        }
    }

    /// Some events were missed, and it is not known of which clusters: wakes everyone.
    fn ring_all(&self) {
        let bells = self.by_cluster.lock().unwrap_or_else(PoisonError::into_inner);
        for bell in bells.values().filter_map(Weak::upgrade) {
            bell.operation.notify_waiters();
            bell.fact.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_bell_rings_for_its_cluster_alone_and_is_forgotten_with_its_last_listener() {
        let bells = Bells::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (first, second) = (bells.of(one), bells.of(other));
        let (mut heard, mut unheard) = (Box::pin(first.fact.notified()), Box::pin(second.fact.notified()));
        heard.as_mut().enable();
        unheard.as_mut().enable();
        bells.ring_for(&Event { cluster: one, operation: None, node: None });
        assert!(heard.now_or_never().is_some() && unheard.now_or_never().is_none());
        drop((first, second));
        let _third = bells.of(Uuid::from_u128(3));
        assert_eq!(bells.by_cluster.lock().unwrap().len(), 1);
    }
}
