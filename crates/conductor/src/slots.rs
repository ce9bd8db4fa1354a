//! Limits how much work runs at the same time, fairly between projects. Only work takes a slot, waiting takes none.
//!
//! A project gets at most a share of the slots, so that some are left for others however much it requests. Deletes have
//! slots of their own: they never wait behind other operations.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use jeroboam_model::OperationKind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A project's share is the number of slots divided by this.
const SHARE: usize = 4;

/// Permission to do work, until it is dropped.
pub(crate) struct Slot {
    _of_project: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// The slots of a conductor.
pub(crate) struct Slots {
    changes: Pool,
    deletes: Pool,
}

impl Slots {
    /// `count` slots for deletes, and as many for everything else.
    pub(crate) fn new(count: usize) -> Self {
        Self { changes: Pool::new(count), deletes: Pool::new(count) }
    }

    /// Waits for a slot: first come, first served, within a project and between projects below their share.
    pub(crate) async fn take(&self, project: &str, kind: OperationKind) -> Option<Slot> {
        let pool = if kind == OperationKind::Delete { &self.deletes } else { &self.changes };
        pool.take(project).await
    }
}

struct Pool {
    all: Arc<Semaphore>,
    share: usize,
    by_project: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl Pool {
    fn new(count: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(count)), share: (count / SHARE).max(1), by_project: Mutex::default() }
    }

    /// `None` only when the semaphores are closed, which never happens.
    async fn take(&self, project: &str) -> Option<Slot> {
        let of_project = self.of(project).acquire_owned().await.ok()?;
        let of_all = self.all.clone().acquire_owned().await.ok()?;
        Some(Slot { _of_project: of_project, _of_all: of_all })
    }

    fn of(&self, project: &str) -> Arc<Semaphore> {
        let mut projects = self.by_project.lock().unwrap_or_else(PoisonError::into_inner);
        projects.retain(|_, semaphore| semaphore.strong_count() > 0);
        projects.get(project).and_then(Weak::upgrade).unwrap_or_else(|| {
            let semaphore = Arc::new(Semaphore::new(self.share));
            projects.insert(project.to_owned(), Arc::downgrade(&semaphore));
            semaphore
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_project_has_its_share_and_deletes_have_slots_of_their_own() {
        let slots = Slots::new(8);
        let take = |project: &'static str, kind| slots.take(project, kind).now_or_never().flatten();
        let greedy: Vec<Slot> = (0..2).filter_map(|_| take("a", OperationKind::Create)).collect();
        assert_eq!(greedy.len(), 2);
        assert!(take("a", OperationKind::Scale).is_none(), "it has its share");
        assert!(take("b", OperationKind::Create).is_some(), "others find some");
        let deletes: Vec<Slot> = (0..2).filter_map(|_| take("a", OperationKind::Delete)).collect();
        assert_eq!(deletes.len(), 2);
        drop(greedy);
        assert!(take("a", OperationKind::Scale).is_some());
    }
}
