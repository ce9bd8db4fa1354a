//! The cluster's DNS address on this node.

use std::net::IpAddr;

use anyhow::Context;

use crate::network::kernel::Kernel;

/// The loopback interface exists on every machine; some kernels have no dummy interfaces.
const DEVICE: &str = "lo";

/// Ensures that the address is assigned to this machine.
pub async fn ensure(address: IpAddr) -> anyhow::Result<()> {
    let kernel = Kernel::connect()?;
    let link = kernel.link(DEVICE).await?.context("this machine has no loopback interface")?;
    kernel.set_up(link).await?;
    kernel.add_address(link, address, if address.is_ipv4() { 32 } else { 128 }).await
}
