//! Connections of agents: TLS and limits.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jeroboam_pki::{Authority, agent};
use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{RootCertStore, ServerConfig};
use secrecy::ExposeSecret;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::AgentServerError;
use super::caller::Peer;
use crate::connections::{BusyBody, Connections, Place};

/// Timeout of a handshake. Nodes are near; a slower client would only occupy a connection.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Timeout for the head of a request. Longer than the agents' heartbeat interval, so that their connections stay open
/// between reports.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Most connections at once, if the system's limits allow that many: two for each of about two thousand nodes.
const MOST_CONNECTIONS: usize = 4096;

/// How many connections agents may have, given the process's limit of file descriptors: at most a quarter of it.
/// Clients have half of it ([`crate::most_connections`]).
#[must_use]
pub fn most_connections(descriptors: u64) -> usize {
    usize::try_from(descriptors / 4).unwrap_or(usize::MAX).clamp(16, MOST_CONNECTIONS)
}

/// Pause after `accept` failed (mostly out of file descriptors) before the next attempt.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// How long calls in progress may take to finish on shutdown.
const GRACE: Duration = Duration::from_secs(5);

/// TLS 1.3 with a new certificate for these addresses. Clients may connect with a certificate of the authority or
/// without one; each call decides whether it needs one.
pub(super) fn tls(
    authority: &Authority,
    reach: &[IpAddr],
    now: Timestamp,
) -> Result<Arc<ServerConfig>, AgentServerError> {
    let refused = |error: &dyn std::fmt::Display| AgentServerError::Tls(error.to_string());
    let pair = authority.issue_pair(&agent::server_profile(reach.to_vec()), now)?;
    let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).map_err(|error| refused(&error))?;
    let key = PrivateKeyDer::from_pem_slice(pair.key.expose_secret().as_bytes()).map_err(|error| refused(&error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.certificate_der().to_vec())).map_err(|error| refused(&error))?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(|error| refused(&error))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| refused(&error))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], key)
        .map_err(|error| refused(&error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Accepts connections until `shutdown`, then waits up to [`GRACE`] for open ones.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
    most: usize,
    shutdown: CancellationToken,
) {
    let acceptor = TlsAcceptor::from(tls);
    let places = Connections::new(most);
    let connections = TaskTracker::new();
    while let Some((place, stream)) = shutdown.run_until_cancelled(next(&listener, &places)).await {
        let (acceptor, router, shutdown) = (acceptor.clone(), router.clone(), shutdown.clone());
        connections.spawn(async move {
            let closed = place.closed();
            tokio::select! {
                () = connection(stream, &acceptor, router, &place, &shutdown) => {}
                () = closed => tracing::debug!("closed an idle connection of an agent to make room for another"),
            }
        });
    }
    connections.close();
    if tokio::time::timeout(GRACE, connections.wait()).await.is_err() {
        tracing::warn!("{} connections of agents were still open when the endpoint stopped", connections.len());
    }
}

/// The next connection that is admitted.
async fn next(listener: &TcpListener, places: &Connections) -> (Place, TcpStream) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => match places.admit(address.ip()) {
                Some(place) => return (place, stream),
                None => tracing::debug!(%address, "refused a connection of an agent: the limit is reached"),
            },
            Err(error) => {
                tracing::warn!("accepting a connection of an agent: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    router: Router,
    place: &Place,
    shutdown: &CancellationToken,
) {
    let address = stream.peer_addr().ok();
    // Long polls and small responses gain nothing from Nagle's algorithm.
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(?address, "TLS with an agent: {error}"),
        Err(_) => return tracing::debug!(?address, "TLS with an agent: not done within {HANDSHAKE_TIMEOUT:?}"),
    };
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let peer = Peer(certificate.and_then(|certificate| agent::node_of(certificate)));
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let (router, busy) = (router.clone(), place.busy());
        async move {
            let response = router.oneshot(request.map(Body::new)).await?;
            Ok::<_, std::convert::Infallible>(response.map(|body| BusyBody::new(body, busy)))
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = shutdown.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(?address, node = ?peer.0, "connection of an agent: {error}");
    }
}
