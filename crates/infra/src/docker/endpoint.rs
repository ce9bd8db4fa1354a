//! Address of the agent endpoint: on the engine's machine, reachable from every container.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use jeroboam_model::{Cause, CauseExt, Code};

use super::engine::Engine;
use super::{DockerConfig, network};
use crate::{AgentEndpoint, Result};

/// As configured, or the gateway of the engine's default bridge: that address exists as long as the engine runs, is on
/// no external network, and is reachable from every network of the engine.
pub(super) async fn find(config: &DockerConfig, engine: &Engine) -> Result<AgentEndpoint> {
    let gateway = async || match network::bridge(engine).await?.and_then(|bridge| bridge.gateway) {
        Some(gateway) => Ok(SocketAddr::new(gateway.into(), config.agent_port)),
        None => Err(unknown("The Docker Engine has no default bridge for containers to reach Jeroboam at.")),
    };
    match (config.agent_listen, config.agent_reach) {
        (Some(listen), Some(reach)) => Ok(AgentEndpoint { listen, reach }),
        (Some(listen), None) if !listen.ip().is_unspecified() => Ok(AgentEndpoint { listen, reach: listen }),
        (Some(listen), None) => {
            Ok(AgentEndpoint { listen, reach: SocketAddr::new(gateway().await?.ip(), listen.port()) })
        }
        (None, Some(reach)) => {
            let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), config.agent_port);
            Ok(AgentEndpoint { listen: if is_ours(reach.ip()) { reach } else { listen }, reach })
        }
        (None, None) => {
            let gateway = gateway().await?;
            if !is_ours(gateway.ip()) {
                let ip = gateway.ip();
                return Err(unknown(&format!(
                    "The address {ip} of the Docker Engine's bridge is not on this machine."
                )));
            }
            Ok(AgentEndpoint { listen: gateway, reach: gateway })
        }
    }
}

/// Whether the address belongs to this machine: only then can a socket be bound to it.
fn is_ours(ip: IpAddr) -> bool {
    std::net::UdpSocket::bind(SocketAddr::new(ip, 0)).is_ok()
}

fn unknown(what: &str) -> Cause {
    Cause::operator(
        Code::AgentEndpointUnknown,
        what,
        "Set `agent_listen` and `agent_reach` of the Docker infrastructure: an address of this machine to listen on, and \
         the one at which containers reach it. Engines on another machine or in a virtual one need that.",
    )
}
