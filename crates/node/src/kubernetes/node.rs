//! Input for the components' specs: the parsed and checked assignment, and the machine.

use jeroboam_types::agent::{Assignment, ControlPlaneAssignment, KubernetesAssignment, NodeRole, Taint};
use jeroboam_types::kubernetes::Version;

use super::layout::Layout;
use crate::fault::{Code, Fault};
use crate::machine::cgroup::Withheld;
use crate::process::Probe;

/// The oldest supported version of Kubernetes.
const OLDEST: Version = Version::new(34, 0);

/// The key of the label and the taint of masters.
pub const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

/// The desired state of one Kubernetes node.
#[derive(Debug, Clone)]
pub struct Node {
    /// The assignment.
    pub assignment: Assignment,
    /// The part for Kubernetes.
    pub kubernetes: KubernetesAssignment,
    /// The parsed version.
    pub version: Version,
    /// Paths on the node.
    pub layout: Layout,
    /// Properties of the machine.
    pub machine: Machine,
}

/// Properties of the machine that affect components.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Whether the node is a container: disk and cgroups are then shared with others.
    pub container: bool,
    /// See [`crate::machine::facts::can_raise_limits`].
    pub can_raise_limits: bool,
    /// Whether the pause image is stored on the machine, so that it need not be pulled.
    pub has_pause_image: bool,
    /// See [`crate::machine::facts::has_nftables`].
    pub nftables: bool,
    /// The part of the machine that this node may not use.
    pub withheld: Withheld,
}

impl Node {
    /// Parses an assignment.
    ///
    /// # Errors
    /// When the version is invalid, or older than the oldest supported one.
    pub fn new(assignment: &Assignment, kubernetes: &KubernetesAssignment, machine: Machine) -> Result<Self, Fault> {
        let version: Version = kubernetes
            .version
            .parse()
            .map_err(|error| Fault::permanent(Code::AssignmentInvalid, "kubelet", format!("{error}")))?;
        if version < OLDEST {
            let message = format!("Kubernetes {version} is older than {OLDEST}, the oldest supported version");
            return Err(Fault::permanent(Code::VersionUnavailable, "kubelet", message));
        }
        Ok(Self {
            assignment: assignment.clone(),
            kubernetes: kubernetes.clone(),
            version,
            layout: Layout::new(&kubernetes.version),
            machine,
        })
    }

    /// Additional settings of a master.
    pub fn control_plane(&self) -> Option<&ControlPlaneAssignment> {
        self.kubernetes.control_plane.as_ref()
    }

    /// The node's address, in brackets if it is IPv6.
    pub fn host(&self) -> String {
        host(self.assignment.address)
    }

    /// URL of the local API server. Masters only.
    pub fn local_api(&self) -> String {
        format!("https://{}:{}", self.host(), self.kubernetes.api_port)
    }

    /// Probes whether the API server that this node uses listens.
    pub fn api(&self) -> Probe {
        Probe::Port(self.kubernetes.api_server.trim_start_matches("https://").to_owned())
    }

    /// The taints to register with. Those of masters keep ordinary pods away.
    pub fn taints(&self) -> Vec<Taint> {
        let mut taints = self.kubernetes.node_taints.clone();
        let is_role = |taint: &Taint| taint.key.starts_with("node-role.kubernetes.io/");
        if self.assignment.role == NodeRole::Master && !taints.iter().any(is_role) {
            taints.push(Taint { key: CONTROL_PLANE.to_owned(), value: String::new(), effect: "NoSchedule".to_owned() });
        }
        taints
    }
}

/// An address in the form for URLs.
pub fn host(address: std::net::IpAddr) -> String {
    match address {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => format!("[{address}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn a_version_older_than_the_tables_is_refused() {
        let known = testing::worker("v1.34.0");
        let kubernetes = KubernetesAssignment { version: "v1.33.9".to_owned(), ..known.kubernetes };
        let fault = Node::new(&known.assignment, &kubernetes, known.machine).unwrap_err();
        assert!(fault.permanent && fault.problem.code == "version_unavailable", "{fault}");
    }
}
