//! The Docker Engine.

use jeroboam_types::agent::Assignment;
use serde_json::{Value, json};

use super::address_space::AddressSpace;
use crate::process::{Probe, Spec};
use crate::proxy;

/// Name of the component.
pub const NAME: &str = "dockerd";

/// Socket for the agent and users of the machine; all others connect through [`super::api`].
pub const SOCKET: &str = "/run/docker.sock";

/// Folder of images and containers.
pub const DATA: &str = "/var/lib/docker";

const CONFIG: &str = "/var/lib/jeroboam/config/dockerd.json";

/// The spec of dockerd.
pub fn spec(assignment: &Assignment, space: AddressSpace) -> Spec {
    Spec::new(NAME, "dockerd")
        .arguments(vec![format!("--config-file={CONFIG}")])
        .environment(proxy::environment(assignment))
        .file(CONFIG, configuration(assignment, space).to_string())
}

/// Ready when it listens.
pub fn probe() -> Probe {
    Probe::Socket(SOCKET.into())
}

fn configuration(assignment: &Assignment, space: AddressSpace) -> Value {
    json!({
        "hosts": [format!("unix://{SOCKET}")],
        "bip": space.bridge.to_string(),
        "default-address-pools": [{ "base": space.local.to_string(), "size": 24 }],
        "insecure-registries": assignment.insecure_registries,
        "log-level": "warn",
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        // Below the time that the node itself has to stop.
        "shutdown-timeout": 4,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn the_engine_listens_on_this_machine_only() {
        let mut assignment = testing::worker("v1.37.2").assignment;
        assignment.insecure_registries = vec!["172.17.0.1:5000".to_owned()];
        let space = AddressSpace::avoiding(&[]).unwrap();
        insta::assert_yaml_snapshot!("dockerd_configuration", configuration(&assignment, space));
    }
}
