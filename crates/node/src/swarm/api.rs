//! The Docker Engine's API for the world: with TLS, for holders of a certificate of the cluster.
//!
//! The agent serves it and not the engine, which would have to start anew for every new certificate and stop all
//! containers for that.

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

/// The API, open for those who come.
pub struct Api {
    listener: TcpListener,
    tls: TlsAcceptor,
}

impl Api {
    /// Opens it with the certificates that the node has now.
    ///
    /// # Errors
    /// What stands in the way.
    pub async fn open(board: &Board, assignment: &Assignment, swarm: &SwarmAssignment) -> Result<Self, Fault> {
        let tls = gateway::acceptor(CertificateProfile::DockerServer)?;
        let address = SocketAddr::new(assignment.address, swarm.api_port);
        Ok(Self { listener: gateway::open(board, NAME, address).await?, tls })
    }

    /// Carries all that come, for as long as it is polled.
    pub async fn serve(self) {
        let Self { listener, tls } = self;
        gateway::serve(NAME, listener, |outside| {
            let tls = tls.clone();
            // The engine first: one who cannot be served is not let in.
            async move { Ok((UnixStream::connect(dockerd::SOCKET).await?, tls.accept(outside).await?)) }
        })
        .await;
    }
}
