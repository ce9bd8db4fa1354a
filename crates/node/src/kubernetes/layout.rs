//! Paths on a Kubernetes node.

use std::path::{Path, PathBuf};

use jeroboam_types::agent::CertificateProfile;

use crate::certificates;
use crate::credentials::Credentials;

/// Socket of the container runtime.
pub const CONTAINERD_SOCKET: &str = "/run/containerd/containerd.sock";

/// Folder of CNI configurations, as containerd expects it.
pub const CNI_CONFIG: &str = "/etc/cni/net.d";

/// Folder of the CNI plugins.
pub const CNI_PLUGINS: &str = "/opt/cni/bin";

/// Folder of programs that are the same for all versions of Kubernetes: containerd with its shim and client, etcd. A
/// machine may have others of the same name for its Docker Engine.
pub const TOOLS: &str = "/opt/jeroboam/bin";

/// Paths of the agent's files and the binaries.
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

    /// Path of a Kubernetes binary.
    pub fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    /// Key and certificate of a component.
    pub fn credentials(&self, profile: CertificateProfile) -> Credentials {
        certificates::credentials(profile)
    }

    /// Path of another file of the cluster's PKI, for example `ca.crt`.
    pub fn pki(&self, file: &str) -> PathBuf {
        certificates::file(file)
    }

    /// Path of a configuration file.
    pub fn config(&self, file: &str) -> PathBuf {
        self.state.join("config").join(file)
    }

    /// Path of the kubeconfig of a component.
    pub fn kubeconfig(&self, profile: CertificateProfile) -> PathBuf {
        self.config(&format!("{profile}.kubeconfig"))
    }

    /// Data folder of etcd.
    pub fn etcd_data(&self) -> PathBuf {
        self.state.join("etcd")
    }
}

/// Path of a program in [`TOOLS`].
pub fn tool(name: &str) -> PathBuf {
    Path::new(TOOLS).join(name)
}

/// Converts a path to an argument.
pub fn text(path: impl AsRef<Path>) -> String {
    path.as_ref().display().to_string()
}
