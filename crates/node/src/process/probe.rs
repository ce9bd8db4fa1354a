//! Readiness probes of processes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// Interval of probes in [`Probe::wait`].
const INTERVAL: Duration = Duration::from_millis(50);

/// Timeout of one probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a process that is ready may take to answer anything at all. Longer: the machine may be busy.
const ALIVE_PATIENCE: Duration = Duration::from_secs(3);

/// What an HTTP/2 client says first (RFC 9113 section 3.4): the preface and an empty SETTINGS frame. A gRPC server
/// answers with its own settings, an HTTP/1 server with an error.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A readiness probe.
#[derive(Debug, Clone)]
pub enum Probe {
    /// An HTTP GET with a 200 response.
    Http {
        /// HTTP client with the CA and credentials that the component needs.
        client: reqwest::Client,
        /// URL to request.
        url: String,
        /// URL that is answered as long as the process does, if that is another one.
        alive: Option<String>,
    },
    /// An HTTP GET with any response.
    Answers {
        /// HTTP client with the CA and credentials that the component needs.
        client: reqwest::Client,
        /// URL to request.
        url: String,
    },
    /// Something listens on a UNIX socket.
    Socket(PathBuf),
    /// Something listens on a port, given as `HOST:PORT`.
    Port(String),
    /// The process runs; there is no further check.
    Running,
}

impl Probe {
    /// Probes until it is ready.
    pub async fn wait(&self) {
        while !self.is_ready().await {
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Probes once.
    pub async fn is_ready(&self) -> bool {
        let look = async {
            match self {
                Self::Http { client, url, .. } => {
                    client.get(url).send().await.is_ok_and(|response| response.status().is_success())
                }
                Self::Answers { client, url } => client.get(url).send().await.is_ok(),
                Self::Socket(path) => UnixStream::connect(path).await.is_ok(),
                Self::Port(address) => TcpStream::connect(address).await.is_ok(),
                Self::Running => true,
            }
        };
        tokio::time::timeout(PATIENCE, look).await.unwrap_or(false)
    }

    /// Looks once whether a process that was ready still answers, with whatever: an API server whose etcd is away is not
    /// ready, and starting it again would not help.
    pub async fn is_alive(&self) -> bool {
        let look = async {
            match self {
                Self::Http { client, url, alive } => client.get(alive.as_ref().unwrap_or(url)).send().await.is_ok(),
                Self::Answers { client, url } => client.get(url).send().await.is_ok(),
                // The kernel takes connections for a process that hangs.
                Self::Socket(path) => answers(path).await.is_ok(),
                Self::Port(address) => TcpStream::connect(address).await.is_ok(),
                Self::Running => true,
            }
        };
        tokio::time::timeout(ALIVE_PATIENCE, look).await.unwrap_or(false)
    }
}

/// Waits until a server on a UNIX socket does something about a client: answers, or hangs up.
async fn answers(path: &Path) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(path).await?;
    let _ = stream.write_all(GREETING).await;
    let _ = stream.read(&mut [0]).await;
    Ok(())
}
