//! How components reach the API server.

use jeroboam_types::agent::CertificateProfile as Profile;
use serde_json::json;

use super::layout::text;
use super::node::Node;

/// The kubeconfig of a component. It points at the certificate's files, so that a renewed certificate needs no new
/// kubeconfig. Components of the control plane talk to the API server beside them: it is up when they are.
pub fn render(node: &Node, profile: Profile) -> String {
    let server = match profile {
        Profile::KubeControllerManager | Profile::KubeScheduler | Profile::KubeApiserverKubeletClient => {
            node.local_api()
        }
        _ => node.kubernetes.api_server.clone(),
    };
    let credentials = node.layout.credentials(profile);
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": node.assignment.cluster,
            "cluster": { "server": server, "certificate-authority": text(node.layout.pki("ca.crt")) },
        }],
        "users": [{
            "name": profile.to_string(),
            "user": {
                "client-certificate": text(credentials.certificate_path()),
                "client-key": text(credentials.key_path()),
            },
        }],
        "contexts": [{
            "name": "default",
            "context": { "cluster": node.assignment.cluster, "user": profile.to_string() },
        }],
        "current-context": "default",
    });
    yaml(&config)
}

/// A configuration as YAML.
pub fn yaml(config: &serde_json::Value) -> String {
    // JSON is YAML too: should the conversion ever fail, the component still understands it.
    serde_norway::to_string(config).unwrap_or_else(|_| config.to_string())
}
