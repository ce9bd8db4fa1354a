//! Limits the number of connections, in total and per address. When there are too many, the one that has been idle
//! longest is closed, so that a client which opens sockets and sends no requests cannot lock others out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio_util::sync::CancellationToken;

/// The share of all connections that one address may have, as a divisor. A proxy in front has one address for all its
/// clients: half is plenty for it, and leaves the other half to direct clients.
const SHARE: usize = 2;

/// The connections of a listener.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    most: usize,
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: BTreeMap<u64, Open>,
}

#[derive(Debug)]
struct Open {
    address: IpAddr,
    /// Number of requests in progress.
    busy: usize,
    /// Since when there has been none.
    idle_since: Instant,
    /// Closes the connection.
    close: CancellationToken,
}

impl Connections {
    /// Allows at most `most` at once.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, table: Arc::default() }
    }

    /// Admits a new connection. If necessary, it replaces an idle one: of the same address if that has used up its
    /// share, else of any address. `None` when all are busy.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<Place> {
        let mut table = self.lock();
        let of_address = table.open.values().filter(|open| open.address == address).count();
        if of_address >= (self.most / SHARE).max(1) {
            table.close_idlest(|open| open.address == address)?;
        } else if table.open.len() >= self.most {
            table.close_idlest(|_| true)?;
        }
        table.next += 1;
        let id = table.next;
        let close = CancellationToken::new();
        table.open.insert(id, Open { address, busy: 0, idle_since: Instant::now(), close: close.clone() });
        Some(Place(Arc::new(Held { id, close, table: self.table.clone() })))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Closes the connection among these that has been idle longest. `None` when none is idle.
    fn close_idlest(&mut self, of: impl Fn(&Open) -> bool) -> Option<()> {
        let idle = self.open.iter().filter(|(_, open)| open.busy == 0 && of(open));
        let id = idle.min_by_key(|(_, open)| open.idle_since).map(|(id, _)| *id)?;
        // It no longer counts from now on, though its task takes a moment to end.
        self.open.remove(&id)?.close.cancel();
        Some(())
    }
}

/// A connection's slot, until it is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Place(Arc<Held>);

#[derive(Debug)]
struct Held {
    id: u64,
    close: CancellationToken,
    table: Arc<Mutex<Table>>,
}

impl Place {
    /// Returns when the connection has to make room.
    pub(crate) fn closed(&self) -> impl Future<Output = ()> + use<> {
        self.0.close.clone().cancelled_owned()
    }

    /// Marks a request as in progress until the returned value is dropped.
    pub(crate) fn busy(&self) -> Busy {
        self.0.change(|open| open.busy += 1);
        Busy(self.0.clone())
    }
}

impl Held {
    fn change(&self, change: impl FnOnce(&mut Open)) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = table.open.get_mut(&self.id) {
            change(open);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&self.id);
    }
}

/// A request in progress.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Held>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.change(|open| {
            open.busy -= 1;
            open.idle_since = Instant::now();
        });
    }
}

/// The body of a response: its connection is busy until all of it is sent.
pub(crate) struct BusyBody {
    body: Body,
    _busy: Busy,
}

impl BusyBody {
    pub(crate) fn new(body: Body, busy: Busy) -> Self {
        Self { body, _busy: busy }
    }
}

impl HttpBody for BusyBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn the_idlest_makes_room_and_a_busy_one_stays() {
        let connections = Connections::new(4);
        let places: Vec<Place> = (1..=4).map(|last| connections.admit(address(last)).unwrap()).collect();
        let busy = places[0].busy();
        let newcomer = connections.admit(address(5)).unwrap();
        assert!(places[1].closed().now_or_never().is_some(), "it was idle longest");
        assert!([0, 2, 3].iter().all(|index: &usize| places[*index].closed().now_or_never().is_none()));
        let all_busy: Vec<Busy> = places[2..].iter().chain([&newcomer]).map(Place::busy).collect();
        assert!(connections.admit(address(6)).is_none(), "nobody is idle");
        drop((busy, all_busy));
        assert!(connections.admit(address(6)).is_some());
    }

    #[test]
    fn an_address_that_has_its_share_makes_room_for_itself_only() {
        let connections = Connections::new(4);
        let other = connections.admit(address(1)).unwrap();
        let greedy: Vec<Place> = (0..2).map(|_| connections.admit(address(2)).unwrap()).collect();
        let more = connections.admit(address(2)).unwrap();
        assert!(greedy[0].closed().now_or_never().is_some() && other.closed().now_or_never().is_none());
        drop((greedy, more));
        assert_eq!(connections.lock().open.len(), 1, "what has ended has no place");
    }
}
