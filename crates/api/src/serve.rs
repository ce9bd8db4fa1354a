//! A server that slow and idle clients cannot block.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::connections::{BusyBody, Connections, Place};

/// How long the head of a request may take to arrive, counted from the end of the previous response; so it is also the
/// keep-alive time. Longer than the polling intervals of clients, 10 to 60 seconds: no client should send on a
/// connection that is just being closed.
const HEADER_TIME: Duration = Duration::from_secs(75);

/// Read buffer for the head of a request. A larger head is refused with a bare 431; a smaller one that is still too
/// large is refused with a reason (`http::limits`).
const MAX_BUFFER: usize = 64 * 1024;

/// How long a client may read nothing of a response. Event streams are written only when there is an event, so waiting
/// for events does not count.
const WRITE_TIME: Duration = Duration::from_secs(30);

/// How long requests in flight may take to finish on shutdown. Event streams never end on their own; their clients
/// reconnect.
const GRACE: Duration = Duration::from_secs(3);

/// Pause after `accept` failed (no file descriptors left), so that we do not spin.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// Most connections at once, if the system's limits allow that many.
const MOST_CONNECTIONS: usize = 8192;

/// File descriptors reserved for internal use: the database, conductors, engines, agents.
const KEPT_DESCRIPTORS: usize = 256;

/// How many connections clients may have, given the process's limit of file descriptors: at most half of it.
#[must_use]
pub fn most_connections(descriptors: u64) -> usize {
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    (descriptors / 2).min(descriptors.saturating_sub(KEPT_DESCRIPTORS)).clamp(16, MOST_CONNECTIONS)
}

/// Serves until `shutdown`, then lets requests in flight finish. At most `most` connections at once.
///
/// # Errors
/// When the listener cannot be used at all.
pub async fn serve(listener: TcpListener, router: Router, most: usize, shutdown: CancellationToken) -> io::Result<()> {
    listener.local_addr()?;
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_buf_size(MAX_BUFFER);
    let connections = Connections::new(most);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accepting a connection");
                tokio::time::sleep(REFUSED_PAUSE).await;
                continue;
            }
        };
        let Some(place) = connections.admit(address.ip()) else {
            tracing::debug!(%address, "refused a connection: the limit is reached and all connections are busy");
            continue;
        };
        // Responses and events are small; they should not wait for each other.
        let _ = stream.set_nodelay(true);
        let service = service(router.clone(), place.clone());
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIME));
        let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended");
                },
                () = place.closed() => tracing::debug!(%address, "closed an idle connection to make room for another"),
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    Ok(())
}

/// Serves a connection's requests. The connection is busy until all of a response is sent.
fn service(
    router: Router,
    place: Place,
) -> impl hyper::service::Service<
    hyper::Request<Incoming>,
    Response = hyper::Response<BusyBody>,
    Error = std::convert::Infallible,
    Future: Send,
> {
    hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let (router, busy) = (router.clone(), place.busy());
        async move {
            let response = router.oneshot(request.map(Body::new)).await?;
            Ok(response.map(|body| BusyBody::new(body, busy)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_kept_for_the_inside() {
        assert_eq!(most_connections(1024), 512);
        assert_eq!(most_connections(400), 144);
        assert_eq!(most_connections(64), 16);
        assert_eq!(most_connections(u64::MAX), MOST_CONNECTIONS);
    }
}
