//! A lock per node, so that two tasks of one process do not create or remove a node's container at once. Between
//! processes the engine decides: names are unique.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

/// Locks by id. Those that no task holds or waits for are dropped.
#[derive(Debug, Default)]
pub(super) struct Locks {
    by_id: Mutex<HashMap<Uuid, Weak<tokio::sync::Mutex<()>>>>,
}

impl Locks {
    /// Waits for the lock of `id`.
    pub(super) async fn lock(&self, id: Uuid) -> OwnedMutexGuard<()> {
        let lock = {
            let mut by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
            by_id.retain(|_, lock| lock.strong_count() > 0);
            by_id.get(&id).and_then(Weak::upgrade).unwrap_or_else(|| {
                let lock = Arc::default();
                by_id.insert(id, Arc::downgrade(&lock));
                lock
            })
        };
        lock.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_id_is_held_once_and_forgotten_after() {
        let locks = Locks::default();
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let held = locks.lock(a).await;
        assert!(locks.lock(a).now_or_never().is_none());
        assert!(locks.lock(b).now_or_never().is_some());
        drop(held);
        assert!(locks.lock(a).now_or_never().is_some());
        let _other = locks.lock(b).await;
        assert_eq!(locks.by_id.lock().unwrap().len(), 1);
    }
}
