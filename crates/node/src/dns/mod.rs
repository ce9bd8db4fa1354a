//! The cluster's DNS, served on every node by the agent itself.
//!
//! Pods ask the cluster's DNS address. On every node that address is the node's own ([`interface`]), so their questions never leave it. Names of services and pods are answered from a watch of
//! services and endpoints ([`directory`], [`names`]); everything else goes to the resolvers that the machine itself
//! uses ([`upstream`]).

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

/// What the node itself uses: as the machine was started, pods' own settings never point here.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// How often, and after which pause, an address in use is tried again: a second in all.
const BIND_ATTEMPTS: u32 = 50;
const BIND_PAUSE: Duration = Duration::from_millis(20);

/// Services and endpoints, shared between the watch that writes and the server that reads.
type Shared = Arc<RwLock<Directory>>;

/// Serves DNS, forever.
///
/// # Errors
/// When the address cannot be served. Trouble with the API server is waited out: what is known stays good.
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
    // Dropped, and its sockets closed, when this function is left or given up.
    let _server = server::serve(udp, tcp, server::Handler::new(domain, shared.clone(), upstream));
    watch::follow(client, shared, board).await;
    Ok(())
}

/// The sockets of a server that has just been given up may take a moment to close.
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
