//! The kernel's network tables, over netlink.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, anyhow};
use futures::TryStreamExt;
use ipnet::Ipv4Net;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::link::{LinkAttribute, LinkMessage};
use rtnetlink::packet_route::neighbour::NeighbourFlags;
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteProtocol};
use rtnetlink::{Handle, LinkUnspec, LinkVxlan, RouteMessageBuilder};

/// Protocol number of our own routes, by which stale ones are found after a restart. Any unused number will do
/// (`/etc/iproute2/rt_protos`).
const OUR_ROUTES: RouteProtocol = RouteProtocol::Other(106);

/// Error code for "already exists".
const EEXIST: i32 = -17;

/// A netlink connection to the kernel.
#[derive(Debug, Clone)]
pub struct Kernel {
    handle: Handle,
}

/// A network interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Interface index, as used in routes.
    pub index: u32,
    /// MTU, in bytes.
    pub mtu: u32,
}

/// A route to pods of another node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Destination.
    pub to: Ipv4Net,
    /// Address of the node.
    pub gateway: Ipv4Addr,
    /// Outgoing interface, if the gateway does not determine it.
    pub over: Option<u32>,
}

impl Kernel {
    /// Opens the connection. Needs a Tokio runtime.
    pub fn connect() -> anyhow::Result<Self> {
        let (connection, handle, _) = rtnetlink::new_connection().context("opening netlink")?;
        tokio::spawn(connection);
        Ok(Self { handle })
    }

    /// Returns the interface with this address.
    pub async fn link_of(&self, address: IpAddr) -> anyhow::Result<Link> {
        let mut found = self.handle.address().get().set_address_filter(address).execute();
        let index = found.try_next().await?.with_context(|| format!("no interface has the address {address}"))?;
        let index = index.header.index;
        let mut links = self.handle.link().get().match_index(index).execute();
        let link = links.try_next().await?.with_context(|| format!("the interface with {address} is gone"))?;
        Ok(as_link(&link))
    }

    /// Returns the interface with this name, if there is one.
    pub async fn link(&self, name: &str) -> anyhow::Result<Option<Link>> {
        let mut links = self.handle.link().get().match_name(name.to_owned()).execute();
        match links.try_next().await {
            Ok(link) => Ok(link.as_ref().map(as_link)),
            // ENODEV: no such device.
            Err(rtnetlink::Error::NetlinkError(error)) if error.raw_code() == -19 => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Creates a VXLAN interface without learning: its neighbours are set explicitly.
    pub async fn add_vxlan(&self, vxlan: &VxlanDevice<'_>) -> anyhow::Result<Link> {
        let VxlanDevice { name, id, port, local, under, mac } = *vxlan;
        let message = LinkVxlan::new(name, id)
            .dev(under.index)
            .port(port)
            .local(local)
            .learning(false)
            .address(mac.to_vec())
            .mtu(under.mtu - super::vxlan::OVERHEAD)
            .up()
            .build();
        self.handle.link().add(message).execute().await.with_context(|| format!("creating the interface {name}"))?;
        self.link(name).await?.ok_or_else(|| anyhow!("{name} was deleted concurrently"))
    }

    /// Deletes an interface.
    pub async fn remove_link(&self, link: Link) -> anyhow::Result<()> {
        Ok(self.handle.link().del(link.index).execute().await?)
    }

    /// Sets an interface up.
    pub async fn set_up(&self, link: Link) -> anyhow::Result<()> {
        let message = LinkUnspec::new_with_index(link.index).up().build();
        Ok(self.handle.link().set(message).execute().await?)
    }

    /// Adds an address to an interface.
    pub async fn add_address(&self, link: Link, address: IpAddr, prefix: u8) -> anyhow::Result<()> {
        match self.handle.address().add(link.index, address, prefix).execute().await {
            Err(rtnetlink::Error::NetlinkError(error)) if error.raw_code() == EEXIST => Ok(()),
            other => other.with_context(|| format!("adding the address {address}")),
        }
    }

    /// Sets exactly these routes to pods, and deletes stale ones.
    pub async fn set_routes(&self, routes: &[Route]) -> anyhow::Result<()> {
        for route in routes {
            let Route { to, gateway, .. } = route;
            let request = self.handle.route().add(route_message(route)).replace();
            request.execute().await.with_context(|| format!("adding the route to {to} through {gateway}"))?;
        }
        let wanted: BTreeSet<Ipv4Net> = routes.iter().map(|route| route.to).collect();
        let query = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let known: Vec<RouteMessage> = self.handle.route().get(query).execute().try_collect().await?;
        for route in known.into_iter().filter(|route| route.header.protocol == OUR_ROUTES) {
            if destination(&route).is_some_and(|to| !wanted.contains(&to)) {
                self.handle.route().del(route).execute().await.context("deleting a stale route")?;
            }
        }
        Ok(())
    }

    /// Sets the hardware address of a neighbour on an interface.
    pub async fn set_neighbour(&self, link: Link, address: Ipv4Addr, mac: [u8; 6]) -> anyhow::Result<()> {
        let request = self.handle.neighbours().add(link.index, address.into()).link_layer_address(&mac);
        request.replace().execute().await.with_context(|| format!("adding the neighbour {address}"))
    }

    /// Sets the node behind a hardware address on a VXLAN interface.
    // `Own` is the table of the interface itself, not that of a bridge above it (NTF_SELF).
    pub async fn set_forwarding(&self, link: Link, mac: [u8; 6], node: Ipv4Addr) -> anyhow::Result<()> {
        let request =
            self.handle.neighbours().add_bridge(link.index, &mac).flags(NeighbourFlags::Own).destination(node.into());
        request.replace().execute().await.with_context(|| format!("adding the tunnel to {node}"))
    }
}

/// A VXLAN interface to create.
#[derive(Debug, Clone, Copy)]
pub struct VxlanDevice<'a> {
    /// Name of the interface.
    pub name: &'a str,
    /// VXLAN network identifier (VNI).
    pub id: u32,
    /// UDP port on all nodes.
    pub port: u16,
    /// Address of this node.
    pub local: Ipv4Addr,
    /// Underlying interface.
    pub under: Link,
    /// Hardware address of the interface.
    pub mac: [u8; 6],
}

fn as_link(message: &LinkMessage) -> Link {
    let mtu = message.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::Mtu(mtu) => Some(*mtu),
        _ => None,
    });
    // The Ethernet default, which every interface of a node supports.
    Link { index: message.header.index, mtu: mtu.unwrap_or(1500) }
}

fn route_message(route: &Route) -> RouteMessage {
    let builder = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(route.to.network(), route.to.prefix_len())
        .gateway(route.gateway)
        .protocol(OUR_ROUTES);
    match route.over {
        Some(index) => builder.output_interface(index).onlink().build(),
        None => builder.build(),
    }
}

fn destination(route: &RouteMessage) -> Option<Ipv4Net> {
    if route.header.address_family != AddressFamily::Inet {
        return None;
    }
    route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Destination(RouteAddress::Inet(address)) => {
            Ipv4Net::new(*address, route.header.destination_prefix_length).ok()
        }
        _ => None,
    })
}
