//! Change events within this process. They are a wake-up, not a message: a subscriber that gets one reads the database.
//! A subscriber that falls behind loses events, and reads the database as well.

use tokio::sync::broadcast;
use uuid::Uuid;

use crate::Store;

/// How many events a slow subscriber may lag behind before it loses the oldest. Creating a cluster of 200 nodes sends
/// some thousand.
pub(crate) const CAPACITY: usize = 4096;

/// A committed change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The cluster that changed, or to which the operation or node belongs.
    pub cluster: Uuid,
    /// The operation that changed, if any.
    pub operation: Option<Uuid>,
    /// The node that changed, if any.
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
    /// Events from now on. A subscriber that gets a `Lagged` error must check everything it cares about.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events().subscribe()
    }

    /// Sends an event. Call it after the commit only.
    pub(crate) fn publish(&self, event: Event) {
        // The only error is that there are no subscribers.
        let _ = self.events().send(event);
    }
}
