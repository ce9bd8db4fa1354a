//! Packet filter rules: allow traffic to pods, and masquerade traffic that leaves the cluster with the node's address.

use std::process::Stdio;

use anyhow::{Context, bail};
use ipnet::Ipv4Net;
use tokio::process::Command;

use crate::process::output_of_input;

/// Our own chains, which kube-proxy and others do not touch.
const MASQUERADE: &str = "JEROBOAM-MASQ";
const FORWARD: &str = "JEROBOAM-FORWARD";

/// Sets the rules, all at once (`iptables-restore`), so that no packet sees only half of them.
pub async fn ensure(pods: Ipv4Net) -> anyhow::Result<()> {
    restore(&rules(pods)).await?;
    jump("nat", "POSTROUTING", MASQUERADE, Place::Last).await?;
    jump("filter", "FORWARD", FORWARD, Place::Last).await
}

/// Sets the content of chains.
pub(super) async fn restore(rules: &str) -> anyhow::Result<()> {
    match output_of_input("iptables-restore", ["--noflush", "--wait=5"], rules).await {
        Ok(_) => Ok(()),
        Err(why) => bail!("iptables-restore: {why}"),
    }
}

/// Position of a rule in a chain.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// Before all existing rules.
    First,
    /// After all existing rules.
    Last,
}

/// The content of our chains; declaring a chain empties it first.
fn rules(pods: Ipv4Net) -> String {
    format!(
        "*nat\n\
         :{MASQUERADE} - [0:0]\n\
         -A {MASQUERADE} -s {pods} -d {pods} -j RETURN\n\
         -A {MASQUERADE} -s {pods} ! -d 224.0.0.0/4 -j MASQUERADE --random-fully\n\
         COMMIT\n\
         *filter\n\
         :{FORWARD} - [0:0]\n\
         -A {FORWARD} -s {pods} -j ACCEPT\n\
         -A {FORWARD} -d {pods} -j ACCEPT\n\
         COMMIT\n"
    )
}

/// Adds a jump from a built-in chain to ours, unless it exists.
pub(super) async fn jump(table: &str, from: &str, to: &str, place: Place) -> anyhow::Result<()> {
    if !iptables(&["--wait=5", "-t", table, "-C", from, "-j", to]).await? {
        let add = match place {
            Place::First => "-I",
            Place::Last => "-A",
        };
        let added = iptables(&["--wait=5", "-t", table, add, from, "-j", to]).await?;
        anyhow::ensure!(added, "iptables rejects a rule from {from} to {to}");
    }
    Ok(())
}

async fn iptables(arguments: &[&str]) -> anyhow::Result<bool> {
    let mut command = Command::new("iptables");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    Ok(command.status().await.context("running iptables")?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_between_pods_keep_their_addresses() {
        insta::assert_snapshot!("masquerade_rules", rules("10.100.0.0/16".parse().unwrap()));
    }
}
