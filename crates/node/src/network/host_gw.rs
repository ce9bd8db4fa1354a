//! Routes through the other nodes' own addresses. Needs all nodes on one layer-2 network, and costs nothing.

use std::net::IpAddr;

use super::kernel::{Kernel, Route};
use super::plan::Plan;

/// Programs the plan; the largest packet that pods may send.
pub async fn apply(own: IpAddr, kernel: &Kernel, plan: &Plan) -> anyhow::Result<u32> {
    let link = kernel.link_of(own).await?;
    kernel.set_routes(&routes(plan)).await?;
    // A node that used VXLAN before keeps no device of it.
    super::vxlan::remove(kernel).await?;
    Ok(link.mtu)
}

fn routes(plan: &Plan) -> Vec<Route> {
    plan.others.iter().map(|(to, gateway)| Route { to: *to, gateway: *gateway, over: None }).collect()
}
