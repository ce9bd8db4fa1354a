//! Pod interfaces: a bridge on every node, with addresses from the node's part of the pod network.
//!
//! That part is known only after the node has registered, and the container runtime would call the network not ready
//! until then, which kubelet notices late. So the configuration is there from the start, and names a plugin of our
//! own that waits for the address range and then becomes the ordinary bridge plugin.

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

/// Name of the plugin that waits.
const PLUGIN: &str = "jeroboam-bridge";

/// Configuration of the bridge plugin, once the range is known. On the volume: pods may have to be taken down after
/// a restart, before the range is asked for again.
const BRIDGE_CONFIG: &str = "/var/lib/jeroboam/config/bridge.json";

/// How long a pod waits for the range, in tenths of a second: below the 4 minutes that kubelet waits for a sandbox.
const PATIENCE_TENTHS: u32 = 600;

/// Name of the network in CNI's own records.
const NETWORK: &str = "jeroboam";

/// Installs plugin and configuration.
///
/// # Errors
/// When the disk does not take them.
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

/// The node's range is known: pods may have addresses now.
///
/// # Errors
/// When the disk does not take it.
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
        // A pod that calls a service which it serves itself gets its packets back on the same port.
        "hairpinMode": true,
        // What leaves the cluster is masqueraded by the agent, see the network module.
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

    /// The script with a stand-in for the bridge plugin that shows what it is given.
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
