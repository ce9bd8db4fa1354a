//! When a process counts as ready.

use std::path::PathBuf;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};

/// How often [`Probe::wait`] looks.
const INTERVAL: Duration = Duration::from_millis(50);

/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// A way to see that a process is ready.
#[derive(Debug, Clone)]
pub enum Probe {
    /// An HTTP GET that is answered with 200.
    Http {
        /// With the right authorities and credentials.
        client: reqwest::Client,
        /// Where.
        url: String,
    },
    /// An HTTP GET that is answered, with whatever.
    Answers {
        /// With the right authorities and credentials.
        client: reqwest::Client,
        /// Where.
        url: String,
    },
    /// Something listens on a UNIX socket.
    Socket(PathBuf),
    /// Something listens on a port, given as `HOST:PORT`.
    Port(String),
    /// It runs: that must do.
    Running,
}

impl Probe {
    /// Looks until it is ready.
    pub async fn wait(&self) {
        while !self.is_ready().await {
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Looks once.
    pub async fn is_ready(&self) -> bool {
        let look = async {
            match self {
                Self::Http { client, url } => {
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
}
