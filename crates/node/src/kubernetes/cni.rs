//! Pod interfaces: a bridge on every node, with addresses from the node's pod range.
//!
//! The range is known only after the node has registered. Until then the container runtime would report the network as
//! not ready, and kubelet notices a change late. So the configuration exists from the start, and names a plugin of our
//! own that waits for the range and then runs the standard bridge plugin.

use std::path::{Path, PathBuf};

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::layout::{CNI_CONFIG, CNI_PLUGINS};
use super::node::Node;
use crate::fault::{Code, Fault};
use crate::files;

/// The bridge that pods are attached to.
pub const BRIDGE: &str = "cni0";

/// Version of the CNI specification that the configurations are written in.
const CNI_VERSION: &str = "1.0.0";

/// Name of the plugin that waits for the range.
const PLUGIN: &str = "jeroboam-bridge";

/// Configuration of the bridge plugin, once the range is known. On the volume: after a restart, pods may have to be
/// removed before the range is known again.
const BRIDGE_CONFIG: &str = "/var/lib/jeroboam/config/bridge.json";

/// How long a pod waits for the range, in tenths of a second: below kubelet's timeout of 4 minutes for a sandbox.
const PATIENCE_TENTHS: u32 = 600;

/// Name of the network in CNI.
const NETWORK: &str = "jeroboam";

/// Installs plugin and configuration.
///
/// # Errors
/// When the disk cannot be written.
pub fn install(node: &Node) -> Result<(), Fault> {
    let plugins = Path::new(CNI_PLUGINS);
    let write = || -> std::io::Result<()> {
        files::write(&plugins.join(PLUGIN), &plugin(plugins, Path::new(BRIDGE_CONFIG)), 0o755)?;
        files::write(&PathBuf::from(CNI_CONFIG).join("10-jeroboam.conflist"), &network().to_string(), 0o644)
    };
    write().map_err(|error| {
        let message = format!("installing the CNI configuration of {}: {error}", node.assignment.name);
        Fault::passing(Code::NetworkFailed, crate::network::NAME, message)
    })
}

/// Writes the configuration for the node's range: pods can get addresses from now on.
///
/// # Errors
/// When the disk cannot be written.
pub fn set_range(range: Ipv4Net, mtu: u32) -> std::io::Result<()> {
    files::write(Path::new(BRIDGE_CONFIG), &bridge(range, mtu).to_string(), 0o644)
}

fn network() -> Value {
    json!({
        "cniVersion": CNI_VERSION,
        "name": NETWORK,
        "plugins": [
            { "type": PLUGIN },
            { "type": "portmap", "capabilities": { "portMappings": true } },
        ],
    })
}

fn bridge(range: Ipv4Net, mtu: u32) -> Value {
    json!({
        "cniVersion": CNI_VERSION,
        "name": NETWORK,
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": true,
        // A pod that connects to a service which it provides itself gets the packets back on the same port.
        "hairpinMode": true,
        // Masquerading is done by the agent, see the network module.
        "ipMasq": false,
        "mtu": mtu,
        "ipam": {
            "type": "host-local",
            "ranges": [[{ "subnet": range.to_string() }]],
            "routes": [{ "dst": "0.0.0.0/0" }],
        },
    })
}

fn plugin(plugins: &Path, config: &Path) -> String {
    let bridge = plugins.join("bridge");
    let (bridge, config) = (bridge.display(), config.display());
    format!(
        r#"#!/bin/sh
# Waits until this node's part of the pod network is known, then is the bridge plugin with that configuration.
[ "$CNI_COMMAND" != VERSION ] || exec {bridge}
tenths=0
while [ ! -s {config} ]; do
    if [ "$CNI_COMMAND" = DEL ]; then exit 0; fi
    if [ $tenths -ge {PATIENCE_TENTHS} ]; then
        echo '{{"cniVersion":"{CNI_VERSION}","code":11,"msg":"this node has no part of the pod network yet"}}'
        exit 1
    fi
    sleep 0.1
    tenths=$((tenths + 1))
done
exec {bridge} <{config}
"#
    )
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Runs the script with a stub of the bridge plugin that prints its input.
    fn run(command: &str, config: Option<&str>) -> String {
        let folder = tempfile::tempdir().unwrap();
        files::write(&folder.path().join("bridge"), "#!/bin/sh\necho \"$CNI_COMMAND $(cat)\"\n", 0o755).unwrap();
        let path = folder.path().join("bridge.json");
        if let Some(config) = config {
            std::fs::write(&path, config).unwrap();
        }
        let script = plugin(folder.path(), &path);
        let output = Command::new("/bin/sh")
            .args(["-c", &script])
            .env("CNI_COMMAND", command)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn it_becomes_the_bridge_plugin_with_the_configuration_of_the_node() {
        assert_eq!(run("ADD", Some("{}")), "ADD {}\n");
        assert_eq!(run("VERSION", None), "VERSION \n");
    }

    #[test]
    fn a_pod_that_never_had_an_address_can_be_taken_down() {
        assert_eq!(run("DEL", None), "");
    }

    #[test]
    fn the_bridge_hands_out_the_nodes_own_range() {
        insta::assert_yaml_snapshot!("bridge", bridge("10.100.1.0/24".parse().unwrap(), 1500));
    }
}
