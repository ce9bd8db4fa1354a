//! What the components' tables need to know: the assignment, read and checked, and the machine.

use jeroboam_types::agent::{Assignment, ControlPlaneAssignment, KubernetesAssignment, NodeRole, Taint};
use jeroboam_types::kubernetes::Version;

use super::layout::Layout;
use crate::fault::{Code, Fault};
use crate::machine::cgroup::Withheld;
use crate::process::Probe;

/// The oldest version that the components' tables are written for.
const OLDEST: Version = Version::new(34, 0);

/// The key that marks masters, as label and as taint.
pub const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

/// One Kubernetes node, as it is to be.
#[derive(Debug, Clone)]
pub struct Node {
    /// Everything that every node is told.
    pub assignment: Assignment,
    /// The part for Kubernetes.
    pub kubernetes: KubernetesAssignment,
    /// The version, read.
    pub version: Version,
    /// Where things lie.
    pub layout: Layout,
    /// What the machine allows.
    pub machine: Machine,
}

/// What components must know about the machine.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Whether the node is a container: the disk and the control groups are then shared with others.
    pub container: bool,
    /// See [`crate::machine::facts::can_raise_limits`].
    pub can_raise_limits: bool,
    /// Whether the pause image lies on the machine, so that none needs to be pulled.
    pub has_pause_image: bool,
    /// See [`crate::machine::facts::has_nftables`].
    pub nftables: bool,
    /// What of the machine is not this node's.
    pub withheld: Withheld,
}

impl Node {
    /// Reads an assignment.
    ///
    /// # Errors
    /// When the version is none, or older than all that are made.
    pub fn new(assignment: &Assignment, kubernetes: &KubernetesAssignment, machine: Machine) -> Result<Self, Fault> {
        let version: Version = kubernetes
            .version
            .parse()
            .map_err(|error| Fault::permanent(Code::AssignmentInvalid, "kubelet", format!("{error}")))?;
        if version < OLDEST {
            let message = format!("Kubernetes {version} is older than {OLDEST}, the oldest that is made");
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

    /// What a master is told besides.
    pub fn control_plane(&self) -> Option<&ControlPlaneAssignment> {
        self.kubernetes.control_plane.as_ref()
    }

    /// The node's address, in brackets if it needs them.
    pub fn host(&self) -> String {
        host(self.assignment.address)
    }

    /// The API server of this very node. Masters only.
    pub fn local_api(&self) -> String {
        format!("https://{}:{}", self.host(), self.kubernetes.api_port)
    }

    /// Whether the API server that this node uses listens.
    pub fn api(&self) -> Probe {
        Probe::Port(self.kubernetes.api_server.trim_start_matches("https://").to_owned())
    }

    /// The taints to register with. Masters keep ordinary pods away.
    pub fn taints(&self) -> Vec<Taint> {
        let mut taints = self.kubernetes.node_taints.clone();
        let is_role = |taint: &Taint| taint.key.starts_with("node-role.kubernetes.io/");
        if self.assignment.role == NodeRole::Master && !taints.iter().any(is_role) {
            taints.push(Taint { key: CONTROL_PLANE.to_owned(), value: String::new(), effect: "NoSchedule".to_owned() });
        }
        taints
    }
}

/// An address as it stands in a URL.
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
