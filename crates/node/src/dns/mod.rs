//! The cluster's DNS, served on every node by the agent itself.
//!
//! Pods query the cluster's DNS address. On every node that address is assigned to the node itself ([`interface`]), so
//! queries do not leave it. Names of services and pods are answered from a watch of services and endpoints
//! ([`directory`], [`names`]); all others are forwarded to the machine's own resolvers ([`upstream`]).

pub mod answer;
pub mod directory;
pub mod interface;
pub mod names;
pub mod server;
pub mod upstream;
pub mod watch;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use anyhow::Context;
use tokio::net::{TcpListener, UdpSocket};

use self::directory::Directory;
use self::names::Domain;
use self::upstream::Upstream;
use crate::board::Board;
use crate::fault::{Code, Fault};
use crate::kubernetes::node::Node;

/// Name of this part in reports.
pub const NAME: &str = "dns";

const PORT: u16 = 53;

/// The node's own resolvers: pods' settings never refer to this file.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Number of attempts to bind an address in use, and the pause between them: one second in total.
const BIND_ATTEMPTS: u32 = 50;
const BIND_PAUSE: Duration = Duration::from_millis(20);

/// Services and endpoints, written by the watch and read by the server.
type Shared = Arc<RwLock<Directory>>;

/// Serves DNS, forever.
///
/// # Errors
/// When the address cannot be bound. Failures of the API server are retried: known data stays valid.
pub async fn run(node: Arc<Node>, client: kube::Client, board: Arc<Board>) -> Result<(), Fault> {
    board.starting(NAME);
    let failed = |error: anyhow::Error| Fault::passing(Code::DnsFailed, NAME, format!("{error:#}"));
    let address = node.kubernetes.dns_address;
    let domain = Domain::new(&node.kubernetes.dns_domain).ok_or_else(|| {
        let message = format!("{:?} is no domain", node.kubernetes.dns_domain);
        Fault::permanent(Code::AssignmentInvalid, NAME, message)
    })?;
    interface::ensure(address).await.map_err(failed)?;
    let (udp, tcp) = bind(address).await.map_err(failed)?;
    let upstream = Upstream::from_file(RESOLV_CONF.as_ref(), address);
    let shared = Shared::default();
    // Dropping it closes its sockets, when this function returns or is cancelled.
    let _server = server::serve(udp, tcp, server::Handler::new(domain, shared.clone(), upstream));
    watch::follow(client, shared, board).await;
    Ok(())
}

/// Binds the sockets, with retries: those of a server that was just stopped may take a moment to close.
async fn bind(address: IpAddr) -> anyhow::Result<(UdpSocket, TcpListener)> {
    let address = SocketAddr::new(address, PORT);
    let mut attempts = 0;
    loop {
        let both = async { std::io::Result::Ok((UdpSocket::bind(address).await?, TcpListener::bind(address).await?)) };
        match both.await {
            Ok(both) => return Ok(both),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && attempts < BIND_ATTEMPTS => {
                attempts += 1;
                tokio::time::sleep(BIND_PAUSE).await;
            }
            Err(error) => return Err(error).with_context(|| format!("listening on {address}")),
        }
    }
}
