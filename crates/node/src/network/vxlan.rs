//! VXLAN over the nodes' network, for nodes that do not share a layer-2 network.
//!
//! Same layout as flannel's: the first address of a node's range is that of its tunnel endpoint. The hardware address
//! of an endpoint is derived from the node's address, so nothing has to be exchanged.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Context;

use super::kernel::{Kernel, Route, VxlanDevice};
use super::plan::Plan;

/// Overhead of VXLAN per packet, in bytes: Ethernet, IPv4, UDP and VXLAN headers.
pub const OVERHEAD: u32 = 50;

const DEVICE: &str = "jeroboam.1";
const NETWORK_ID: u32 = 1;

/// Linux's default port, older than the standard one; firewalls for flannel allow it.
const PORT: u16 = 8472;

/// Applies the plan; returns the MTU for pods.
pub async fn apply(own: IpAddr, kernel: &Kernel, plan: &Plan) -> anyhow::Result<u32> {
    let IpAddr::V4(own) = own else { anyhow::bail!("a VXLAN between IPv6 addresses is not supported") };
    let under = kernel.link_of(own.into()).await?;
    let link = match kernel.link(DEVICE).await? {
        Some(link) => link,
        None => {
            let device = VxlanDevice { name: DEVICE, id: NETWORK_ID, port: PORT, local: own, under, mac: mac(own) };
            kernel.add_vxlan(&device).await.context("does this kernel have VXLAN?")?
        }
    };
    kernel.set_up(link).await?;
    kernel.add_address(link, plan.own.network().into(), 32).await?;
    for (range, node) in &plan.others {
        kernel.set_forwarding(link, mac(*node), *node).await?;
        kernel.set_neighbour(link, range.network(), mac(*node)).await?;
    }
    kernel.set_routes(&routes(plan, link.index)).await?;
    Ok(under.mtu - OVERHEAD)
}

/// Deletes the device, if there is one.
pub async fn remove(kernel: &Kernel) -> anyhow::Result<()> {
    match kernel.link(DEVICE).await? {
        Some(link) => kernel.remove_link(link).await,
        None => Ok(()),
    }
}

fn routes(plan: &Plan, link: u32) -> Vec<Route> {
    plan.others.keys().map(|to| Route { to: *to, gateway: to.network(), over: Some(link) }).collect()
}

/// A locally administered address, derived from the node's address.
fn mac(node: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = node.octets();
    [0x0e, 0x6a, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hardware_address_is_local_unicast_and_follows_from_the_nodes() {
        let mac = mac(Ipv4Addr::new(172, 18, 0, 3));
        assert_eq!(mac, [0x0e, 0x6a, 172, 18, 0, 3]);
        assert_eq!(mac[0] & 0b11, 0b10);
    }
}
