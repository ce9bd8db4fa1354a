//! Routes through the other nodes' own addresses. Needs all nodes on one layer-2 network, and has no overhead.

use std::net::IpAddr;

use super::kernel::{Kernel, Route};
use super::plan::Plan;

/// Applies the plan; returns the MTU for pods.
pub async fn apply(own: IpAddr, kernel: &Kernel, plan: &Plan) -> anyhow::Result<u32> {
    let link = kernel.link_of(own).await?;
    kernel.set_routes(&routes(plan)).await?;
    // A node that used VXLAN before must not keep the device.
    super::vxlan::remove(kernel).await?;
    Ok(link.mtu)
}

fn routes(plan: &Plan) -> Vec<Route> {
    plan.others.iter().map(|(to, gateway)| Route { to: *to, gateway: *gateway, over: None }).collect()
}
