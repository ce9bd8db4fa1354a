//! The Docker Engine's API for clients outside: with TLS, for holders of a certificate of the cluster.
//!
//! The agent serves it instead of the engine, which would have to be restarted for every new certificate, and all
//! containers with it.

use std::net::SocketAddr;

use jeroboam_types::agent::{Assignment, CertificateProfile, SwarmAssignment};
use tokio::net::{TcpListener, UnixStream};
use tokio_rustls::TlsAcceptor;

use super::dockerd;
use crate::board::Board;
use crate::fault::Fault;
use crate::gateway;

/// Name of the component.
pub const NAME: &str = "docker-api";

/// The API's listener and TLS settings.
pub struct Api {
    listener: TcpListener,
    tls: TlsAcceptor,
}

impl Api {
    /// Opens the listener with the node's current certificates.
    ///
    /// # Errors
    /// The reason of a failure.
    pub async fn open(board: &Board, assignment: &Assignment, swarm: &SwarmAssignment) -> Result<Self, Fault> {
        let tls = gateway::acceptor(CertificateProfile::DockerServer)?;
        let address = SocketAddr::new(assignment.address, swarm.api_port);
        Ok(Self { listener: gateway::open(board, NAME, address).await?, tls })
    }

    /// Forwards all connections while it is polled.
    pub async fn serve(self) {
        let Self { listener, tls } = self;
        gateway::serve(NAME, listener, |outside| {
            let tls = tls.clone();
            // Connects to the engine first: if it is down, the client is not accepted.
            async move { Ok((UnixStream::connect(dockerd::SOCKET).await?, tls.accept(outside).await?)) }
        })
        .await;
    }
}
