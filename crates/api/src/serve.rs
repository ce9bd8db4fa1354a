//! A server that slow and idle clients cannot clog.

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

/// How long the head of a request may take to arrive, counted from the end of the answer before it: so a connection is
/// kept that long without a request. Longer than the intervals at which clients come again, 10 to 60 seconds: none
/// should send into a connection that is just being closed.
const HEADER_TIME: Duration = Duration::from_secs(75);

/// What is kept of a request before it is understood. A head that does not fit is refused with a bare 431; up to here it
/// is refused with a reason (`http::limits`).
const MAX_BUFFER: usize = 64 * 1024;

/// How long a client may take nothing of what it asked for. Event streams are written to only when there is news, so
/// that waiting for news does not count.
const WRITE_TIME: Duration = Duration::from_secs(30);

/// How long requests in flight may take to end once we are to stop. Event streams never end by themselves; whoever
/// follows one connects again.
const GRACE: Duration = Duration::from_secs(3);

/// Pause after the system refused a connection (no file descriptors left), so that we do not spin.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// Most connections at once, where the system lets us have as many.
const MOST_CONNECTIONS: usize = 8192;

/// File descriptors that are kept for the inside: the database, conductors, engines, agents.
const KEPT_DESCRIPTORS: usize = 256;

/// How many connections clients may have, by the file descriptors that this process may have: at most half of them.
#[must_use]
pub fn most_connections(descriptors: u64) -> usize {
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    (descriptors / 2).min(descriptors.saturating_sub(KEPT_DESCRIPTORS)).clamp(16, MOST_CONNECTIONS)
}

/// Serves until `shutdown`, then lets requests in flight end. At most `most` connections at once.
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
            tracing::debug!(%address, "there are as many connections as there may be, and all are busy");
            continue;
        };
        // Answers and events are small; they should not wait for each other.
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
                () = place.closed() => tracing::debug!(%address, "an idle connection made room for another"),
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    Ok(())
}

/// Answers a connection's requests, each of which makes it busy until all of its answer is sent.
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
