//! Founding, joining and looking at the swarm, with the engine's own command.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::Ipv4Net;
use jeroboam_types::agent::SwarmTokens;

use crate::kubernetes::node::host;
use crate::process::output;

/// The engine itself gives up joining after 20 s and goes on in the background.
const PATIENCE: Duration = Duration::from_secs(30);

/// The engine's version.
pub async fn engine_version() -> Option<String> {
    docker(&["version", "--format", "{{.Server.Version}}"]).await.ok()
}

/// What part the engine has in a swarm: `inactive`, `pending`, `active`, `error` or `locked`.
pub async fn state() -> Result<String, String> {
    docker(&["info", "--format", "{{.Swarm.LocalNodeState}}"]).await
}

/// Founds a swarm whose overlay networks get their addresses from `overlay`.
pub async fn init(address: IpAddr, overlay: Ipv4Net) -> Result<(), String> {
    let address = host(address);
    let (listen, overlay) = (format!("{address}:2377"), overlay.to_string());
    let arguments =
        ["swarm", "init", "--advertise-addr", &address, "--listen-addr", &listen, "--default-addr-pool", &overlay];
    docker(&arguments).await.map(drop)
}

/// Joins a swarm through the first of its managers that answers.
pub async fn join(address: IpAddr, token: &str, managers: &[String]) -> Result<(), String> {
    let address = host(address);
    let listen = format!("{address}:2377");
    let mut why = "no manager to join through is known".to_owned();
    for manager in managers {
        let arguments =
            ["swarm", "join", "--token", token, "--advertise-addr", &address, "--listen-addr", &listen, manager];
        match docker(&arguments).await {
            Ok(_) => return Ok(()),
            Err(error) => why = format!("joining through {manager}: {error}"),
        }
    }
    Err(why)
}

/// The tokens that others join with.
pub async fn tokens() -> Result<SwarmTokens, String> {
    Ok(SwarmTokens {
        manager: docker(&["swarm", "join-token", "--quiet", "manager"]).await?,
        worker: docker(&["swarm", "join-token", "--quiet", "worker"]).await?,
    })
}

async fn docker(arguments: &[&str]) -> Result<String, String> {
    output("docker", arguments, PATIENCE).await
}
