//! The certificates of a Kubernetes node's components.

use jeroboam_types::agent::{CertificateProfile as Profile, CertificateRequest, CertificatesRequest};

use super::node::Node;
use crate::fault::{Fault, code};
use crate::files;
use crate::home::{Home, HomeError};

/// What every node has.
const EVERYWHERE: [Profile; 4] = [Profile::Kubelet, Profile::KubeletServer, Profile::KubeProxy, Profile::NodeAgent];

/// What masters have besides.
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

/// Sees to it that the node has all its certificates: those that are there and still good for long stay as they are.
///
/// # Errors
/// When the server refuses one, cannot be reached, or the disk does not take them.
pub async fn ensure(node: &Node, home: &Home) -> Result<(), Fault> {
    let failed = |error: anyhow::Error| Fault::passing(code::CERTIFICATE_REFUSED, "certificates", format!("{error:#}"));
    let changed = keep_authorities(node).map_err(|error| failed(error.into()))?;
    let mut profiles = EVERYWHERE.to_vec();
    if node.control_plane().is_some() {
        profiles.extend(MASTERS);
    }
    profiles.retain(|profile| changed || !node.layout.credentials(*profile).is_fresh(now()));
    if profiles.is_empty() {
        return Ok(());
    }
    let requests = profiles.iter().map(|profile| {
        let csr = node.layout.credentials(*profile).request()?;
        Ok(CertificateRequest { profile: *profile, csr })
    });
    let requests = requests.collect::<anyhow::Result<Vec<_>>>().map_err(failed)?;
    let answer = home.certificates(&CertificatesRequest { requests }).await.map_err(|error| refused(&error))?;
    if answer.certificates.len() != profiles.len() {
        return Err(failed(anyhow::anyhow!(
            "asked for {} certificates and got {}",
            profiles.len(),
            answer.certificates.len()
        )));
    }
    for (profile, certificate) in profiles.iter().zip(&answer.certificates) {
        node.layout.credentials(*profile).keep(certificate).map_err(failed)?;
    }
    Ok(())
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn refused(error: &HomeError) -> Fault {
    let message = format!("the node's certificates: {error}");
    if error.may_pass() {
        Fault::passing(code::CERTIFICATE_REFUSED, "certificates", message)
    } else {
        Fault::permanent(code::CERTIFICATE_REFUSED, "certificates", message)
    }
}

/// Writes the authorities and the service account keys; whether an authority is another one than before, which
/// makes all certificates worthless.
fn keep_authorities(node: &Node) -> std::io::Result<bool> {
    let mut files = vec![("ca.crt", &node.kubernetes.ca)];
    if let Some(control_plane) = node.control_plane() {
        files.push(("etcd-ca.crt", &control_plane.etcd_ca));
        files.push(("front-proxy-ca.crt", &control_plane.front_proxy_ca));
        files.push(("sa.key", &control_plane.service_account_key));
        files.push(("sa.pub", &control_plane.service_account_public_key));
    }
    let mut changed = false;
    for (name, content) in files {
        let path = node.layout.pki(name);
        match std::fs::read_to_string(&path) {
            Ok(known) if known == *content => continue,
            Ok(_) => changed |= name.ends_with(".crt"),
            Err(_) => {}
        }
        files::write_private(&path, content)?;
    }
    Ok(changed)
}
