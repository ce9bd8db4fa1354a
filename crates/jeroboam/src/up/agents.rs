//! The agents' endpoint: where nodes call home.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use jeroboam_api::Readiness;
use jeroboam_api::agent::AgentServer;
use jeroboam_conductor::agents::{Birth, Home};
use jeroboam_conductor::lookout::Lookout;
use jeroboam_infra::Infrastructure;
use jeroboam_model::CauseExt;
use jeroboam_store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Delay between two attempts to determine the agents' endpoint while the Docker Engine does not answer.
const FIND_HOME_AGAIN: Duration = Duration::from_secs(2);

/// The parts that need the agents' endpoint, once it is served.
pub(super) struct Told {
    /// What new machines get when they are created.
    pub(super) birth: Birth,
    /// Whether the server is ready.
    pub(super) readiness: Readiness,
    /// The check for other servers of the deployment; it publishes the endpoint's URL to them.
    pub(super) lookout: Arc<Lookout>,
}

/// Determines the agents' endpoint, listens there, and serves them. Until then no machine is created, and the server
/// is not ready.
///
/// # Errors
/// When another process has the port. A retry does not help, so the server shuts down.
pub(super) async fn serve(
    store: Store,
    infra: Arc<dyn Infrastructure>,
    told: Told,
    most: usize,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        match listen(&store, infra.as_ref()).await {
            Ok((server, listener, reach)) => {
                let url = format!("https://{reach}");
                told.lookout.answers_at(&url);
                told.birth.home_is(Home { server: url, ca: server.ca_pem().to_owned() });
                info!(agents = %reach, "ready");
                told.readiness.reached();
                server.serve(listener, most, shutdown).await;
                return Ok(());
            }
            Err(problem) if problem.is::<Taken>() => {
                shutdown.cancel();
                return Err(problem);
            }
            Err(problem) => warn!("not ready, as agents cannot call home yet: {problem:#}"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = tokio::time::sleep(FIND_HOME_AGAIN) => {}
        }
    }
}

async fn listen(store: &Store, infra: &dyn Infrastructure) -> anyhow::Result<(AgentServer, TcpListener, SocketAddr)> {
    let endpoint = match infra.agent_endpoint().await {
        Ok(endpoint) => endpoint,
        Err(cause) => bail!("{}", cause.one_line()),
    };
    let listener = bind(endpoint.listen).await?;
    let server = AgentServer::new(store.clone(), &[endpoint.reach.ip()]).await?;
    Ok((server, listener, endpoint.reach))
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    use std::io::ErrorKind;
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse | ErrorKind::PermissionDenied => Taken { address, error }.into(),
        _ => anyhow::Error::new(error).context(format!("listening for agents on {address}")),
    })
}

/// The port is in use, or this process may not bind it.
#[derive(Debug, thiserror::Error)]
#[error(
    "port {} for agents cannot be listened on at {}: {error}. End the process that has this \
     port ('ss -ltnp' names it), or give another port with --agent-port if there is no cluster yet. The nodes of \
     existing clusters connect to this port",
    address.port(), address.ip()
)]
struct Taken {
    address: SocketAddr,
    error: std::io::Error,
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn a_port_that_somebody_has_is_named_with_what_to_do() {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = other.local_addr().unwrap();
        let error = bind(address).await.unwrap_err();
        assert!(error.is::<Taken>(), "{error:#}");
        let text = error.to_string();
        for part in [&format!("port {}", address.port()), "End the process", "--agent-port"] {
            assert!(text.contains(part), "{text}");
        }
        drop(other);
        assert!(bind(address).await.is_ok());
    }

    #[tokio::test]
    async fn an_address_that_is_not_there_yet_is_waited_for() {
        // TEST-NET-1: assigned to no machine.
        let error = bind((Ipv4Addr::new(192, 0, 2, 1), 9512).into()).await.unwrap_err();
        assert!(!error.is::<Taken>(), "{error:#}");
    }
}
