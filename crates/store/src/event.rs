//! What tells others in this process that something changed. A wake-up, not a message: who gets one looks in the
//! database. Who falls behind loses some, and looks in the database too.

use tokio::sync::broadcast;
use uuid::Uuid;

use crate::Store;

/// How many events a slow subscriber may be behind before it loses the oldest. A cluster of 200 nodes makes some
/// thousand while it is created.
pub(crate) const CAPACITY: usize = 4096;

/// Something changed and is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The cluster that it is about.
    pub cluster: Uuid,
    /// The operation that changed, if it was one.
    pub operation: Option<Uuid>,
    /// The node that changed, if it was one.
    pub node: Option<Uuid>,
}

impl Event {
    pub(crate) fn cluster(cluster: Uuid) -> Self {
        Self { cluster, operation: None, node: None }
    }

    pub(crate) fn operation(cluster: Uuid, operation: Uuid) -> Self {
        Self { cluster, operation: Some(operation), node: None }
    }

    pub(crate) fn node(cluster: Uuid, node: Uuid) -> Self {
        Self { cluster, operation: None, node: Some(node) }
    }
}

impl Store {
    /// Events from now on. A subscriber that is told it lagged has to look at everything it cares for.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events().subscribe()
    }

    /// Sends an event. Only after the commit.
    pub(crate) fn publish(&self, event: Event) {
        // The only error is that nobody listens.
        let _ = self.events().send(event);
    }
}
