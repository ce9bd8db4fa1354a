//! The cluster's DNS address on this node.

use std::net::IpAddr;

use anyhow::Context;

use crate::network::kernel::Kernel;

/// Every machine has it; dummy interfaces are missing from some kernels.
const DEVICE: &str = "lo";

/// Makes sure that the address is this machine's own.
pub async fn ensure(address: IpAddr) -> anyhow::Result<()> {
    let kernel = Kernel::connect()?;
    let link = kernel.link(DEVICE).await?.context("this machine has no loopback interface")?;
    kernel.set_up(link).await?;
    kernel.add_address(link, address, if address.is_ipv4() { 32 } else { 128 }).await
}
