//! kubeconfig files of components.

use jeroboam_types::agent::CertificateProfile as Profile;
use serde_json::json;

use super::layout::text;
use super::node::Node;

/// The kubeconfig of a component. It refers to the certificate's files, so that a renewed certificate needs no new
/// kubeconfig. Components of the control plane use the local API server.
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

/// Serializes a configuration as YAML.
pub fn yaml(config: &serde_json::Value) -> String {
    // JSON is valid YAML: if the conversion fails, the component can still read it.
    serde_norway::to_string(config).unwrap_or_else(|_| config.to_string())
}
