//! Forwarding of connections with TLS added or removed: from this machine to the cluster's registry, and from outside
//! to the Docker Engine.
//!
//! Certificates are read when a gateway is opened, and its connections are closed with it: after a rotation of the CAs,
//! no connection with an old certificate remains.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jeroboam_types::agent::CertificateProfile as Profile;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::board::Board;
use crate::certificates;
use crate::fault::{Code, Fault};

/// Pause after a failed accept: without free file descriptors, wait until some connections are closed.
const PAUSE: Duration = Duration::from_secs(1);

/// Timeout for connecting to the other side.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a gateway: connections to `address` are queued from now on. `name` is that of the component.
///
/// # Errors
/// When another process listens there.
pub async fn open(board: &Board, name: &str, address: SocketAddr) -> Result<TcpListener, Fault> {
    board.starting(name);
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Fault::passing(Code::GatewayFailed, name, format!("listening on {address} for {name}: {error}"))
    })?;
    board.up(name);
    Ok(listener)
}

/// Forwards all connections while it is polled. `connect` returns both ends for an accepted connection.
pub async fn serve<I, O, C>(name: &str, listener: TcpListener, connect: impl Fn(TcpStream) -> C)
where
    I: AsyncRead + AsyncWrite + Unpin + Send,
    O: AsyncRead + AsyncWrite + Unpin + Send,
    C: Future<Output = std::io::Result<(I, O)>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(ended) = connections.join_next() => {
                if let Ok(Err::<(), std::io::Error>(error)) = ended {
                    tracing::debug!("a connection of {name}: {error}");
                }
            }
            accepted = listener.accept() => match accepted {
                Ok((comer, _)) => {
                    let connecting = tokio::time::timeout(PATIENCE, connect(comer));
                    connections.spawn(async {
                        let (mut one, mut other) = connecting.await.map_err(std::io::Error::other)??;
                        tokio::io::copy_bidirectional(&mut one, &mut other).await.map(drop)
                    });
                }
                Err(error) => {
                    tracing::warn!("taking a connection of {name}: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
}

/// TLS client for servers of the cluster, with a client certificate.
///
/// # Errors
/// When the certificates cannot be used.
pub fn connector(profile: Profile) -> Result<TlsConnector, Fault> {
    let (chain, key) = identity(profile)?;
    let config = ClientConfig::builder().with_root_certificates(roots(profile)?).with_client_auth_cert(chain, key);
    Ok(TlsConnector::from(Arc::new(config.map_err(|error| unusable(profile, error))?)))
}

/// TLS server that only accepts clients with a certificate of the cluster.
///
/// # Errors
/// When the certificates cannot be used.
pub fn acceptor(profile: Profile) -> Result<TlsAcceptor, Fault> {
    let (chain, key) = identity(profile)?;
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots(profile)?)).build();
    let verifier = verifier.map_err(|error| unusable(profile, error))?;
    let config = ServerConfig::builder().with_client_cert_verifier(verifier).with_single_cert(chain, key);
    Ok(TlsAcceptor::from(Arc::new(config.map_err(|error| unusable(profile, error))?)))
}

fn roots(profile: Profile) -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    let authorities = CertificateDer::pem_file_iter(certificates::authority()).map_err(|e| unusable(profile, e))?;
    for authority in authorities {
        let authority = authority.map_err(|error| unusable(profile, error))?;
        roots.add(authority).map_err(|error| unusable(profile, error))?;
    }
    Ok(roots)
}

fn identity(profile: Profile) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Fault> {
    let credentials = certificates::credentials(profile);
    let chain = CertificateDer::pem_file_iter(credentials.certificate_path()).and_then(Iterator::collect);
    let chain = chain.map_err(|error| unusable(profile, error))?;
    let key = PrivateKeyDer::from_pem_file(credentials.key_path()).map_err(|error| unusable(profile, error))?;
    Ok((chain, key))
}

fn unusable(profile: Profile, error: impl std::fmt::Display) -> Fault {
    Fault::passing(Code::GatewayFailed, certificates::NAME, format!("the certificate {profile}: {error}"))
}

#[cfg(test)]
mod tests {
    use jeroboam_types::agent::Facts;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    #[tokio::test]
    async fn what_is_sent_and_its_end_arrive_on_both_sides() {
        let board = Board::new(Facts::default());
        board.begin(1, &["way"]);
        let listener = open(&board, "way", ([127, 0, 0, 1], 0).into()).await.unwrap();
        assert!(board.is_up("way"));
        let address = listener.local_addr().unwrap();
        let taken = open(&board, "way", address).await.unwrap_err();
        assert!(taken.to_string().contains("listening on 127.0.0.1"), "{taken}");

        let (sender, mut ends) = tokio::sync::mpsc::unbounded_channel::<DuplexStream>();
        let serving = tokio::spawn(async move {
            serve("way", listener, move |comer| {
                let (near, far) = tokio::io::duplex(64);
                let sent = sender.send(far);
                async move { sent.map(|()| (comer, near)).map_err(std::io::Error::other) }
            })
            .await;
        });
        let mut comer = TcpStream::connect(address).await.unwrap();
        let mut end = ends.recv().await.unwrap();
        comer.write_all(b"there").await.unwrap();
        comer.shutdown().await.unwrap();
        let mut said = String::new();
        end.read_to_string(&mut said).await.unwrap();
        end.write_all(b"and back").await.unwrap();
        drop(end);
        let mut answered = String::new();
        comer.read_to_string(&mut answered).await.unwrap();
        assert_eq!((said.as_str(), answered.as_str()), ("there", "and back"));

        let mut open = TcpStream::connect(address).await.unwrap();
        let _end = ends.recv().await.unwrap();
        serving.abort();
        assert_eq!(open.read(&mut [0]).await.unwrap_or(0), 0, "connections end with the way");
    }
}
