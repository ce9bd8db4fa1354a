//! Limits the size of engines' responses while they are read. A cluster belongs to its tenant, who can make its API
//! respond with any amount of data; this process serves all tenants.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tower::{BoxError, Service};

/// Most bytes that one response may have, TLS included. Lists are paged, so that regular responses are far below.
pub(crate) const MOST_BYTES: u64 = 16 << 20;

/// Connects, and limits the size of each response.
#[derive(Debug, Clone)]
pub(crate) struct BoundedConnector(pub(crate) HttpConnector);

impl Service<Uri> for BoundedConnector {
    type Response = TokioIo<Bounded<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move { Ok(TokioIo::new(Bounded::new(connecting.await?.into_inner(), MOST_BYTES))) })
    }
}

/// A connection on which no response may be longer than a limit. Without pipelining, what is read after a write is the
/// response to that write.
#[derive(Debug)]
pub(crate) struct Bounded<T> {
    inner: T,
    limit: u64,
    read: u64,
}

impl<T> Bounded<T> {
    fn new(inner: T, limit: u64) -> Self {
        Self { inner, limit, read: 0 }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Bounded<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.inner).poll_read(context, buffer);
        self.read += (buffer.filled().len() - before) as u64;
        if self.read > self.limit {
            let message = format!("the answer has more than {} MiB", self.limit >> 20);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::FileTooLarge, message)));
        }
        outcome
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Bounded<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.read = 0;
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl<T: Connection> Connection for Bounded<T> {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn an_answer_that_is_too_long_ends_with_an_error_and_each_request_starts_over() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut bounded = Bounded::new(near, 8);
        let mut answer = [0; 8];
        for _ in 0..2 {
            bounded.write_all(b"?").await.unwrap();
            far.write_all(b"12345678").await.unwrap();
            bounded.read_exact(&mut answer).await.unwrap();
        }
        far.write_all(b"9").await.unwrap();
        let error = bounded.read(&mut answer).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge, "{error}");
    }
}
