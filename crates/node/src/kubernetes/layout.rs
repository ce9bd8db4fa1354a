//! Where things lie on a Kubernetes node.

use std::path::{Path, PathBuf};

use jeroboam_types::agent::CertificateProfile;

use crate::certificates;
use crate::credentials::Credentials;

/// Socket of the container runtime.
pub const CONTAINERD_SOCKET: &str = "/run/containerd/containerd.sock";

/// Where containerd looks for CNI configurations.
pub const CNI_CONFIG: &str = "/etc/cni/net.d";

/// Where the CNI plugins are.
pub const CNI_PLUGINS: &str = "/opt/cni/bin";

/// What is the same for all versions of Kubernetes: containerd with its shim and client, etcd. A machine may have others
/// of the same name for its Docker Engine.
pub const TOOLS: &str = "/opt/jeroboam/bin";

/// Files of the agent's own making and the binaries.
#[derive(Debug, Clone)]
pub struct Layout {
    state: PathBuf,
    binaries: PathBuf,
}

impl Layout {
    /// The layout of a real node for this Kubernetes version.
    pub fn new(version: &str) -> Self {
        Self {
            state: PathBuf::from("/var/lib/jeroboam"),
            binaries: Path::new("/opt/jeroboam/kubernetes").join(version),
        }
    }

    /// A Kubernetes binary.
    pub fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    /// Key and certificate of a component.
    pub fn credentials(&self, profile: CertificateProfile) -> Credentials {
        certificates::credentials(profile)
    }

    /// Any other file of the cluster's PKI, for example `ca.crt`.
    pub fn pki(&self, file: &str) -> PathBuf {
        certificates::file(file)
    }

    /// A configuration file.
    pub fn config(&self, file: &str) -> PathBuf {
        self.state.join("config").join(file)
    }

    /// The kubeconfig of a component.
    pub fn kubeconfig(&self, profile: CertificateProfile) -> PathBuf {
        self.config(&format!("{profile}.kubeconfig"))
    }

    /// Data of etcd.
    pub fn etcd_data(&self) -> PathBuf {
        self.state.join("etcd")
    }
}

/// A program in [`TOOLS`].
pub fn tool(name: &str) -> PathBuf {
    Path::new(TOOLS).join(name)
}

/// A path as an argument.
pub fn text(path: impl AsRef<Path>) -> String {
    path.as_ref().display().to_string()
}
