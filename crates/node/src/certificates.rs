//! The certificates of the node's components, whatever its engine.

use std::path::{Path, PathBuf};

use jeroboam_types::agent::{CertificateProfile as Profile, CertificateRequest, CertificatesRequest};

use crate::credentials::Credentials;
use crate::fault::{Code, Fault};
use crate::files;
use crate::home::{Home, HomeError};

/// Name of this part of the agent in reports.
pub const NAME: &str = "certificates";

const FOLDER: &str = "/var/lib/jeroboam/pki";

/// Path of a file among the node's keys and certificates, for example `etcd-ca.crt`.
pub fn file(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

/// Path of the cluster CA's certificate.
pub fn authority() -> PathBuf {
    file("ca.crt")
}

/// Key and certificate of a component.
pub fn credentials(profile: Profile) -> Credentials {
    Credentials::at(Path::new(FOLDER), &profile.to_string())
}

/// Ensures that the node has these certificates, and these files with CAs and keys. Existing certificates are kept
/// until the last third of their life, unless a CA has changed: then all are renewed. Returns whether any was renewed.
///
/// # Errors
/// When the server refuses one, cannot be reached, or the disk cannot be written.
pub async fn ensure(home: &Home, profiles: Vec<Profile>, files: &[(&str, &str)]) -> Result<bool, Fault> {
    let is_another = |(name, content): &(&str, &str)| {
        name.ends_with(".crt") && std::fs::read_to_string(file(name)).is_ok_and(|known| known != *content)
    };
    let made = sign(home, profiles, files.iter().any(is_another)).await?;
    // CAs are written last: if this is interrupted, all certificates are renewed again next time.
    for (name, content) in files {
        let path = file(name);
        if std::fs::read_to_string(&path).is_ok_and(|known| known == *content) {
            continue;
        }
        files::write_private(&path, content).map_err(|error| failed(&error.into()))?;
    }
    Ok(made)
}

async fn sign(home: &Home, mut profiles: Vec<Profile>, anew: bool) -> Result<bool, Fault> {
    let now = jiff::Timestamp::now().as_second();
    profiles.retain(|profile| anew || !credentials(*profile).is_fresh(now));
    if profiles.is_empty() {
        return Ok(false);
    }
    let requests = profiles.iter().map(|profile| {
        let csr = credentials(*profile).request()?;
        Ok(CertificateRequest { profile: *profile, csr })
    });
    let requests = requests.collect::<anyhow::Result<Vec<_>>>().map_err(|error| failed(&error))?;
    let answer = home.certificates(&CertificatesRequest { requests }).await.map_err(|error| refused(&error))?;
    let (asked, got) = (profiles.len(), answer.certificates.len());
    if asked != got {
        return Err(failed(&anyhow::anyhow!("asked for {asked} certificates and got {got}")));
    }
    for (profile, certificate) in profiles.iter().zip(&answer.certificates) {
        credentials(*profile).keep(certificate).map_err(|error| failed(&error))?;
    }
    Ok(true)
}

fn failed(error: &anyhow::Error) -> Fault {
    Fault::passing(Code::CertificateRefused, NAME, format!("{error:#}"))
}

fn refused(error: &HomeError) -> Fault {
    let fault = if error.may_pass() { Fault::passing } else { Fault::permanent };
    fault(Code::CertificateRefused, NAME, format!("the node's certificates: {error}"))
}
