//! Initializing, joining and watching the swarm, through the engine's API on its socket: no token is on a command line.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::Ipv4Net;
use jeroboam_types::agent::SwarmTokens;
use reqwest::Method;
use serde_json::{Value, json};

use super::dockerd::SOCKET;
use crate::kubernetes::node::host;

/// Timeout of calls. The engine itself stops waiting for a join after 20 s and continues in the background.
const PATIENCE: Duration = Duration::from_secs(30);

/// Timeout of an event stream.
const EVENTS: Duration = Duration::from_secs(3600);

/// Port for managers and joins (fixed by the Docker Engine).
const PORT: u16 = 2377;

/// Prefix length of an overlay network: the default of the docker command.
const OVERLAY_PREFIX: u8 = 24;

/// An engine's place in a swarm, as it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// `inactive`, `pending`, `active`, `error` or `locked`.
    pub state: String,
    /// Its id in the swarm.
    pub node: Option<String>,
}

/// The engine on this machine. Errors are the engine's messages.
#[derive(Debug, Clone)]
pub struct Engine {
    client: reqwest::Client,
}

impl Engine {
    /// # Errors
    /// When the HTTP client cannot be created.
    pub fn new() -> Result<Self, String> {
        let client = reqwest::Client::builder().no_proxy().unix_socket(SOCKET).timeout(PATIENCE).build();
        Ok(Self { client: client.map_err(|error| error.to_string())? })
    }

    /// The engine's version.
    pub async fn version(&self) -> Option<String> {
        let version = self.call(Method::GET, "version", None).await.ok()?;
        version["Version"].as_str().map(ToOwned::to_owned)
    }

    /// The engine's place in a swarm.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn membership(&self) -> Result<Membership, String> {
        let info = self.call(Method::GET, "info", None).await?;
        let text = |key: &str| info["Swarm"][key].as_str().map(ToOwned::to_owned);
        Ok(Membership {
            state: text("LocalNodeState").unwrap_or_else(|| "unknown".to_owned()),
            node: text("NodeID").filter(|id| !id.is_empty()),
        })
    }

    /// Initializes a swarm whose overlay networks get their addresses from `overlay`.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn init(&self, address: IpAddr, overlay: Ipv4Net) -> Result<(), String> {
        let body = json!({
            "AdvertiseAddr": host(address),
            "ListenAddr": listen(address),
            "DefaultAddrPool": [overlay.to_string()],
            "SubnetSize": OVERLAY_PREFIX,
        });
        self.call(Method::POST, "swarm/init", Some(&body)).await.map(drop)
    }

    /// Joins a swarm through one of its managers.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn join(&self, address: IpAddr, token: &str, managers: &[String]) -> Result<(), String> {
        if managers.is_empty() {
            return Err("no manager to join through is known".to_owned());
        }
        let body = json!({
            "AdvertiseAddr": host(address),
            "ListenAddr": listen(address),
            "RemoteAddrs": managers,
            "JoinToken": token,
        });
        let joined = self.call(Method::POST, "swarm/join", Some(&body)).await;
        joined.map(drop).map_err(|error| format!("joining through {}: {error}", managers.join(", ")))
    }

    /// Leaves the swarm, even without the consent of other nodes.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn leave(&self) -> Result<(), String> {
        self.call(Method::POST, "swarm/leave?force=true", None).await.map(drop)
    }

    /// The join tokens.
    ///
    /// # Errors
    /// When the engine is not a manager.
    pub async fn tokens(&self) -> Result<SwarmTokens, String> {
        let swarm = self.call(Method::GET, "swarm", None).await?;
        let token = |role: &str| {
            let token = swarm["JoinTokens"][role].as_str().filter(|token| !token.is_empty());
            token.map(ToOwned::to_owned).ok_or_else(|| format!("the engine gives no token for a {role}"))
        };
        Ok(SwarmTokens { manager: token("Manager")?, worker: token("Worker")? })
    }

    /// The swarm's nodes.
    ///
    /// # Errors
    /// When the engine is not a manager, or managers have no leader.
    pub async fn nodes(&self) -> Result<Value, String> {
        self.call(Method::GET, "nodes", None).await
    }

    /// Events of the swarm's nodes from now on, as a stream of JSON that ends when the engine stops.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn node_events(&self) -> Result<reqwest::Response, String> {
        let filters = json!({ "type": ["node"], "scope": ["swarm"] }).to_string();
        let request = self.client.get("http://docker/events").query(&[("filters", filters)]).timeout(EVENTS);
        let answer = request.send().await.map_err(|error| chain(&error))?;
        answer.error_for_status().map_err(|error| chain(&error))
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        // The host name is ignored on a socket.
        let mut request = self.client.request(method, format!("http://docker/{path}"));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| chain(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| chain(&error))?;
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(value);
        }
        let message = value["message"].as_str().map_or(text.trim(), str::trim);
        Err(if message.is_empty() { status.to_string() } else { message.to_owned() })
    }
}

fn listen(address: IpAddr) -> String {
    std::net::SocketAddr::new(address, PORT).to_string()
}

/// The whole chain of an error: the message alone is not specific enough.
fn chain(error: &dyn std::error::Error) -> String {
    let parts = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
    parts.collect::<Vec<_>>().join(": ")
}
