//! Founding, joining and looking at the swarm, through the engine's API on its socket: tokens stand on no command line.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::Ipv4Net;
use jeroboam_types::agent::SwarmTokens;
use reqwest::Method;
use serde_json::{Value, json};

use super::dockerd::SOCKET;
use crate::kubernetes::node::host;

/// The engine itself gives up joining after 20 s and goes on in the background.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long events are listened to without a break.
const EVENTS: Duration = Duration::from_secs(3600);

/// Through it managers talk and others join (fixed by the Docker Engine).
const PORT: u16 = 2377;

/// Addresses that one overlay network has, as a prefix: what the engine's own command says by default.
const OVERLAY_PREFIX: u8 = 24;

/// The engine on this machine. Errors are in its own words.
#[derive(Debug, Clone)]
pub struct Engine {
    client: reqwest::Client,
}

impl Engine {
    /// # Errors
    /// When no client can be made.
    pub fn new() -> Result<Self, String> {
        let client = reqwest::Client::builder().no_proxy().unix_socket(SOCKET).timeout(PATIENCE).build();
        Ok(Self { client: client.map_err(|error| error.to_string())? })
    }

    /// The engine's version.
    pub async fn version(&self) -> Option<String> {
        let version = self.call(Method::GET, "version", None).await.ok()?;
        version["Version"].as_str().map(ToOwned::to_owned)
    }

    /// What part the engine has in a swarm: `inactive`, `pending`, `active`, `error` or `locked`.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn state(&self) -> Result<String, String> {
        let info = self.call(Method::GET, "info", None).await?;
        Ok(info["Swarm"]["LocalNodeState"].as_str().unwrap_or("unknown").to_owned())
    }

    /// Founds a swarm whose overlay networks get their addresses from `overlay`.
    ///
    /// # Errors
    /// Why the engine refuses.
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
    /// Why the engine refuses.
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

    /// Leaves the swarm, whatever the others think of it.
    ///
    /// # Errors
    /// Why the engine refuses.
    pub async fn leave(&self) -> Result<(), String> {
        self.call(Method::POST, "swarm/leave?force=true", None).await.map(drop)
    }

    /// The tokens that others join with.
    ///
    /// # Errors
    /// When the engine is no manager.
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
    /// When the engine is no manager, or managers do not agree on a leader.
    pub async fn nodes(&self) -> Result<Value, String> {
        self.call(Method::GET, "nodes", None).await
    }

    /// What happens to the swarm's nodes from now on, as a stream of JSON that ends with the engine.
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
        // Through the socket any host is the engine.
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

/// All of an error's chain: what this library prints alone says little.
fn chain(error: &dyn std::error::Error) -> String {
    let parts = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
    parts.collect::<Vec<_>>().join(": ")
}
