//! The certificate of the engine's API.

use std::path::{Path, PathBuf};

use jeroboam_types::agent::{CertificateProfile, CertificateRequest, CertificatesRequest, SwarmAssignment};

use crate::credentials::Credentials;
use crate::fault::{Fault, code};
use crate::files;
use crate::home::Home;

const FOLDER: &str = "/var/lib/jeroboam/pki";

/// Key and certificate that the engine serves its API with.
pub fn server() -> Credentials {
    Credentials::at(Path::new(FOLDER), "docker-server")
}

/// The authority that clients of the engine's API must come from.
pub fn authority() -> PathBuf {
    Path::new(FOLDER).join("ca.crt")
}

/// Sees to it that both are there.
///
/// # Errors
/// When the server refuses, cannot be reached, or the disk does not take them.
pub async fn ensure(home: &Home, swarm: &SwarmAssignment) -> Result<(), Fault> {
    let failed = |error: anyhow::Error| Fault::passing(code::CERTIFICATE_REFUSED, "certificates", format!("{error:#}"));
    let known = std::fs::read_to_string(authority()).unwrap_or_default();
    if known == swarm.ca && server().is_fresh(jiff::Timestamp::now().as_second()) {
        return Ok(());
    }
    let csr = server().request().map_err(failed)?;
    let requests = vec![CertificateRequest { profile: CertificateProfile::DockerServer, csr }];
    let answer = home.certificates(&CertificatesRequest { requests }).await.map_err(|error| {
        let fault = if error.may_pass() { Fault::passing } else { Fault::permanent };
        fault(code::CERTIFICATE_REFUSED, "certificates", format!("the engine's certificate: {error}"))
    })?;
    let certificate = answer.certificates.first().ok_or_else(|| failed(anyhow::anyhow!("got no certificate")))?;
    server().keep(certificate).map_err(failed)?;
    files::write_private(&authority(), &swarm.ca).map_err(|error| failed(error.into()))
}
