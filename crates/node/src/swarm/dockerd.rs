//! The Docker Engine.

use jeroboam_types::agent::{Assignment, CertificateProfile, SwarmAssignment};
use serde_json::{Value, json};

use super::address_space::AddressSpace;
use crate::kubernetes::layout::text;
use crate::kubernetes::node::host;
use crate::process::{Probe, Spec};
use crate::{certificates, proxy};

/// Name of the component.
pub const NAME: &str = "dockerd";

/// Where the agent and people on the machine reach it.
const SOCKET: &str = "/run/docker.sock";

/// Where images and containers lie.
pub const DATA: &str = "/var/lib/docker";

const CONFIG: &str = "/var/lib/jeroboam/config/dockerd.json";

/// dockerd as it is to run.
pub fn spec(assignment: &Assignment, swarm: &SwarmAssignment, space: AddressSpace) -> Spec {
    Spec::new(NAME, "dockerd")
        .arguments(vec![format!("--config-file={CONFIG}")])
        .environment(proxy::environment(assignment))
        .file(CONFIG, configuration(assignment, swarm, space).to_string())
}

/// Ready when it listens.
pub fn probe() -> Probe {
    Probe::Socket(SOCKET.into())
}

fn configuration(assignment: &Assignment, swarm: &SwarmAssignment, space: AddressSpace) -> Value {
    let server = certificates::credentials(CertificateProfile::DockerServer);
    json!({
        "hosts": [
            format!("unix://{SOCKET}"),
            format!("tcp://{}:{}", host(assignment.address), swarm.api_port),
        ],
        "tlsverify": true,
        "tlscacert": text(certificates::authority()),
        "tlscert": text(server.certificate_path()),
        "tlskey": text(server.key_path()),
        "bip": space.bridge.to_string(),
        "default-address-pools": [{ "base": space.local.to_string(), "size": 24 }],
        "insecure-registries": assignment.insecure_registries,
        "log-level": "warn",
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        // Below the time that the node itself is given to stop.
        "shutdown-timeout": 4,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn the_api_is_served_with_tls_only() {
        let mut assignment = testing::worker("v1.20.2").assignment;
        assignment.insecure_registries = vec!["172.17.0.1:5000".to_owned()];
        let swarm = SwarmAssignment { ca: "CA".to_owned(), api_port: 2376, membership: None };
        let space = AddressSpace::avoiding(&[]).unwrap();
        insta::assert_yaml_snapshot!("dockerd_configuration", configuration(&assignment, &swarm, space));
    }
}
