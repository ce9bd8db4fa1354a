//! Rejects packets to addresses in the service network that no service uses, in the node, at once.
//!
//! kube-proxy forwards packets for services to their pods before these rules see them. The remaining ones have an
//! address or a port that no service uses. Without a rule they would leave the node by the default route, and on a
//! network that responds to everything a deleted service would seem alive.
//!
//! The rules use the same backend as kube-proxy on this node. In its nftables mode it drops such packets silently, so
//! that clients wait for their timeout: our rules take effect before that.

use std::net::IpAddr;

use anyhow::{Context, bail};
use ipnet::Ipv4Net;
use jeroboam_types::agent::ServiceProxyMode;

use super::masquerade::{self, Place};
use crate::process::output_of_input;

/// Our own table and chain, which others do not touch.
const TABLE: &str = "jeroboam-services";
const CHAIN: &str = "JEROBOAM-SERVICES";

/// Sets the rules, all at once. `dns` is answered by the agent itself, on every node.
pub async fn ensure(mode: ServiceProxyMode, services: Ipv4Net, dns: IpAddr) -> anyhow::Result<()> {
    match mode {
        ServiceProxyMode::Nftables => {
            if let Err(why) = output_of_input("nft", ["-f", "-"], &nftables(services, dns)).await {
                bail!("nft: {why}");
            }
            Ok(())
        }
        ServiceProxyMode::Iptables => {
            masquerade::restore(&iptables(services, dns)).await?;
            for from in ["FORWARD", "OUTPUT"] {
                // First, as chains of others may accept packets.
                masquerade::jump("filter", from, CHAIN, Place::First)
                    .await
                    .context("rejecting packets to unused service addresses")?;
            }
            Ok(())
        }
    }
}

/// Rules for nftables. The table is added before it is deleted, so that the deletion succeeds without an existing
/// table.
///
/// Packets from the node's own programs to the cluster DNS are not tracked: kube-proxy does not know that service, and
/// drops tracked ones.
fn nftables(services: Ipv4Net, dns: IpAddr) -> String {
    format!(
        "add table ip {TABLE}\n\
         delete table ip {TABLE}\n\
         table ip {TABLE} {{\n\
         \x20 chain dns {{\n\
         \x20   type filter hook output priority raw; policy accept;\n\
         \x20   ip daddr {dns} notrack\n\
         \x20 }}\n\
         \x20 chain refuse {{\n\
         \x20   ip daddr {dns} return\n\
         \x20   ip daddr {services} meta l4proto tcp reject with tcp reset\n\
         \x20   ip daddr {services} reject\n\
         \x20 }}\n\
         \x20 chain forward {{\n\
         \x20   type filter hook forward priority filter - 10; policy accept;\n\
         \x20   jump refuse\n\
         \x20 }}\n\
         \x20 chain output {{\n\
         \x20   type filter hook output priority filter - 10; policy accept;\n\
         \x20   jump refuse\n\
         \x20 }}\n\
         }}\n"
    )
}

fn iptables(services: Ipv4Net, dns: IpAddr) -> String {
    format!(
        "*filter\n\
         :{CHAIN} - [0:0]\n\
         -A {CHAIN} -d {dns}/32 -j RETURN\n\
         -A {CHAIN} -d {services} -p tcp -j REJECT --reject-with tcp-reset\n\
         -A {CHAIN} -d {services} -j REJECT\n\
         COMMIT\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_that_no_service_takes_are_refused() {
        let (services, dns) = ("10.254.0.0/16".parse().unwrap(), "10.254.0.10".parse().unwrap());
        insta::assert_snapshot!("services_nftables", nftables(services, dns));
        insta::assert_snapshot!("services_iptables", iptables(services, dns));
    }
}
