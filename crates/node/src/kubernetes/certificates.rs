//! The certificates of a Kubernetes node's components.

use jeroboam_types::agent::CertificateProfile as Profile;

use super::node::Node;
use crate::fault::Fault;
use crate::home::Home;
use crate::{certificates, registry};

/// Certificates of every node.
const EVERYWHERE: [Profile; 4] = [Profile::Kubelet, Profile::KubeletServer, Profile::KubeProxy, Profile::NodeAgent];

/// Additional certificates of masters.
const MASTERS: [Profile; 8] = [
    Profile::EtcdServer,
    Profile::EtcdPeer,
    Profile::EtcdClient,
    Profile::KubeApiserver,
    Profile::KubeApiserverKubeletClient,
    Profile::FrontProxyClient,
    Profile::KubeControllerManager,
    Profile::KubeScheduler,
];

/// Ensures that the node has all its certificates. Returns whether any was renewed.
///
/// # Errors
/// When the server refuses one, cannot be reached, or the disk cannot be written.
pub async fn ensure(node: &Node, home: &Home) -> Result<bool, Fault> {
    let mut files = vec![("ca.crt", node.kubernetes.ca.as_str())];
    let mut profiles = EVERYWHERE.to_vec();
    if let Some(control_plane) = node.control_plane() {
        files.push(("etcd-ca.crt", &control_plane.etcd_ca));
        files.push(("front-proxy-ca.crt", &control_plane.front_proxy_ca));
        files.push(("sa.key", &control_plane.service_account_key));
        files.push(("sa.pub", &control_plane.service_account_public_key));
        profiles.extend(MASTERS);
    }
    profiles.extend(registry::profiles(&node.assignment));
    certificates::ensure(home, profiles, &files).await
}
