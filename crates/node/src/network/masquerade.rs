//! Packet filter rules: pods may be reached and may leave the cluster under their node's address.

use std::process::Stdio;

use anyhow::{Context, bail};
use ipnet::Ipv4Net;
use tokio::process::Command;

/// Our chains. kube-proxy and others have theirs; nobody else touches these.
const MASQUERADE: &str = "JEROBOAM-MASQ";
const FORWARD: &str = "JEROBOAM-FORWARD";

/// Puts the rules in place. All at once (`iptables-restore`), so that no packet meets half of them.
pub async fn ensure(pods: Ipv4Net) -> anyhow::Result<()> {
    let rules = rules(pods);
    let mut restore = Command::new("iptables-restore")
        .args(["--noflush", "--wait=5"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("running iptables-restore")?;
    if let Some(mut stdin) = restore.stdin.take() {
        tokio::io::AsyncWriteExt::write_all(&mut stdin, rules.as_bytes()).await?;
    }
    let output = restore.wait_with_output().await?;
    if !output.status.success() {
        bail!("iptables-restore: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    jump("nat", "POSTROUTING", MASQUERADE).await?;
    jump("filter", "FORWARD", FORWARD).await
}

/// The content of our chains; naming a chain empties it first.
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

/// Leads packets from a built-in chain into ours, once.
async fn jump(table: &str, from: &str, to: &str) -> anyhow::Result<()> {
    if !iptables(&["--wait=5", "-t", table, "-C", from, "-j", to]).await? {
        let added = iptables(&["--wait=5", "-t", table, "-A", from, "-j", to]).await?;
        anyhow::ensure!(added, "iptables refuses a rule from {from} to {to}");
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
