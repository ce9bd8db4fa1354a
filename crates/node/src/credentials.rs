//! Keys that are generated here and never leave the machine, and the certificates for them.

use std::path::{Path, PathBuf};

use anyhow::Context;
use rcgen::{CertificateParams, KeyPair};

use crate::files;

/// Paths of a key and its certificate.
#[derive(Debug, Clone)]
pub struct Credentials {
    key: PathBuf,
    certificate: PathBuf,
}

impl Credentials {
    /// `NAME.key` and `NAME.crt` in a folder.
    pub fn at(folder: &Path, name: &str) -> Self {
        Self { key: folder.join(format!("{name}.key")), certificate: folder.join(format!("{name}.crt")) }
    }

    /// The private key, PEM.
    pub fn key_path(&self) -> &Path {
        &self.key
    }

    /// The certificate, PEM.
    pub fn certificate_path(&self) -> &Path {
        &self.certificate
    }

    /// Returns a signing request for the key, which is generated if it does not exist. The key stays the same between
    /// attempts, so that a request whose response was lost can be repeated.
    ///
    /// # Errors
    /// When the key cannot be read or written.
    pub fn request(&self) -> anyhow::Result<String> {
        let known = std::fs::read_to_string(&self.key).ok().and_then(|pem| KeyPair::from_pem(&pem).ok());
        let key = match known {
            Some(key) => key,
            None => {
                let key = KeyPair::generate().context("generating a key")?;
                files::write_private(&self.key, &key.serialize_pem())
                    .with_context(|| format!("writing {}", self.key.display()))?;
                key
            }
        };
        let request = CertificateParams::default().serialize_request(&key).context("creating a signing request")?;
        request.pem().context("encoding a signing request")
    }

    /// Saves the certificate.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, certificate: &str) -> anyhow::Result<()> {
        files::write_private(&self.certificate, certificate)
            .with_context(|| format!("writing {}", self.certificate.display()))
    }

    /// Whether there is a certificate for the key that is valid for at least a third of its life from `now` (seconds
    /// since 1970) on.
    pub fn is_fresh(&self, now: i64) -> bool {
        let Ok(pem) = std::fs::read(&self.certificate) else { return false };
        let Ok((_, pem)) = x509_parser::pem::parse_x509_pem(&pem) else { return false };
        let Ok(certificate) = pem.parse_x509() else { return false };
        let validity = certificate.validity();
        let (start, end) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        self.key.exists() && now < end - (end - start) / 3
    }

    /// Whether the certificate was signed by this CA, or does not exist. One from another CA is useless.
    pub fn is_of(&self, ca: &str) -> bool {
        let Ok(pem) = std::fs::read(&self.certificate) else { return true };
        let signed = || {
            let (_, authority) = x509_parser::pem::parse_x509_pem(ca.as_bytes()).ok()?;
            let authority = authority.parse_x509().ok()?;
            let (_, own) = x509_parser::pem::parse_x509_pem(&pem).ok()?;
            own.parse_x509().ok()?.verify_signature(Some(authority.public_key())).ok()
        };
        signed().is_some()
    }

    /// Certificate and key as one PEM, if both exist.
    pub fn identity(&self) -> Option<String> {
        let certificate = std::fs::read_to_string(&self.certificate).ok()?;
        let key = std::fs::read_to_string(&self.key).ok()?;
        Some(format!("{}\n{key}", certificate.trim_end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_fresh_for_two_thirds_of_its_life() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = Credentials::at(folder.path(), "kubelet");
        credentials.request().unwrap();
        assert!(!credentials.is_fresh(0));
        let key = KeyPair::from_pem(&std::fs::read_to_string(credentials.key_path()).unwrap()).unwrap();
        let mut params = CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 1, 31);
        credentials.keep(&params.self_signed(&key).unwrap().pem()).unwrap();
        let day = |number: i64| 1_767_225_600 + (number - 1) * 86_400;
        assert!(credentials.is_fresh(day(20)));
        assert!(!credentials.is_fresh(day(22)));
    }

    #[test]
    fn a_certificate_of_another_authority_is_known() {
        let authority = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::default();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            let pem = params.self_signed(&key).unwrap().pem();
            (pem, rcgen::Issuer::new(params, key))
        };
        let ((ours, issuer), (other, _)) = (authority("agents"), authority("agents"));
        let folder = tempfile::tempdir().unwrap();
        let credentials = Credentials::at(folder.path(), "agent");
        assert!(credentials.is_of(&ours), "there is none yet");
        credentials.request().unwrap();
        let key = KeyPair::from_pem(&std::fs::read_to_string(credentials.key_path()).unwrap()).unwrap();
        credentials.keep(&CertificateParams::default().signed_by(&key, &issuer).unwrap().pem()).unwrap();
        assert!(credentials.is_of(&ours));
        assert!(!credentials.is_of(&other), "of the same name, with another key");
        assert!(!credentials.is_of("no authority"));
    }

    #[test]
    fn the_key_is_made_once_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let credentials = Credentials::at(folder.path(), "agent");
        assert!(credentials.request().unwrap().contains("BEGIN CERTIFICATE REQUEST"));
        let key = std::fs::read_to_string(credentials.key_path()).unwrap();
        credentials.request().unwrap();
        assert_eq!(std::fs::read_to_string(credentials.key_path()).unwrap(), key);
        assert_eq!(std::fs::metadata(credentials.key_path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(credentials.identity(), None);
        credentials.keep("CERT\n").unwrap();
        assert_eq!(credentials.identity().unwrap(), format!("CERT\n{key}"));
    }
}
