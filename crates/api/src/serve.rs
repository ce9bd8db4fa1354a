//! A server that slow and idle clients cannot clog.

use std::io;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

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

/// Serves until `shutdown`, then lets requests in flight end.
///
/// # Errors
/// When the listener cannot be used at all.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) -> io::Result<()> {
    listener.local_addr()?;
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_buf_size(MAX_BUFFER);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "accepting a connection");
                tokio::time::sleep(REFUSED_PAUSE).await;
                continue;
            }
        };
        // Answers and events are small; they should not wait for each other.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIME));
        let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended");
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    Ok(())
}
