//! Certificate authorities.

use jiff::Timestamp;
use secrecy::SecretString;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};

use crate::certificate::{self, BACKDATED, Content, VALIDITY, extension, from_pem, making, name, parse, pem};
use crate::key::Key;
use crate::profile::Profile;
use crate::request::SigningRequest;
use crate::{CsrError, PkiError};

/// A certificate authority: a self-signed certificate and its key (contract magnum-v1 section 9.2, but P-256).
pub struct Authority {
    key: Key,
    key_pem: SecretString,
    certificate: Vec<u8>,
    certificate_pem: String,
    subject: Vec<u8>,
    not_after: Timestamp,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct KeyPairPem {
    /// PEM of the certificate.
    pub certificate: String,
    /// PKCS#8 PEM of the key.
    pub key: SecretString,
}

impl Authority {
    /// A new authority, valid from a day ago for five years. The name is cut to 64 characters.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn generate(common_name: &str, now: Timestamp) -> Result<Self, PkiError> {
        let key = Key::generate()?;
        let subject = name(common_name, &[])?;
        let (not_before, not_after) = validity(now)?;
        let certificate = Content {
            issuer: &subject,
            subject: &subject,
            public_key: &key.public_key()?,
            not_before,
            not_after,
            extensions: vec![
                extension(&BasicConstraints { ca: true, path_len_constraint: Some(0) }, true)?,
                extension(&KeyUsage(KeyUsages::KeyCertSign.into()), true)?,
            ],
        }
        .sign(&key)?;
        Self::of(key, certificate, subject)
    }

    /// A new authority of a cluster. The one that clients see, `kubernetes`, has the cluster's name, the others that
    /// and their own, to distinguish them.
    ///
    /// # Errors
    /// As [`Authority::generate`].
    pub fn of_cluster(cluster_name: &str, authority: &str, now: Timestamp) -> Result<Self, PkiError> {
        match authority {
            "kubernetes" => Self::generate(cluster_name, now),
            other => Self::generate(&format!("{cluster_name} {other}"), now),
        }
    }

    /// Loads an authority from PEM.
    ///
    /// # Errors
    /// When certificate or key is malformed, or they do not belong together.
    pub fn load(certificate: &str, key: &SecretString) -> Result<Self, PkiError> {
        let key = Key::load(key)?;
        let certificate = from_pem(certificate, &["CERTIFICATE"])
            .ok_or_else(|| certificate::malformed("no PEM block CERTIFICATE in it"))?;
        let parsed = parse(&certificate)?;
        if parsed.public_key().raw != key.public_key()? {
            return Err(certificate::malformed("the authority's key does not belong to it"));
        }
        let subject = parsed.subject().as_raw().to_vec();
        Self::of(key, certificate, subject)
    }

    fn of(key: Key, certificate: Vec<u8>, subject: Vec<u8>) -> Result<Self, PkiError> {
        let not_after = certificate::Facts::read(&certificate)?.not_after;
        let certificate_pem = pem("CERTIFICATE", &certificate)?;
        Ok(Self { key_pem: key.pem()?, key, certificate, certificate_pem, subject, not_after })
    }

    /// PEM of the certificate, without a trailing newline.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// DER of the certificate.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// PKCS#8 PEM of the key.
    #[must_use]
    pub fn key_pem(&self) -> SecretString {
        self.key_pem.clone()
    }

    /// When its certificate expires.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Signs a client's request, as far as it is allowed (contract magnum-v1 section 9.3): with the subject as
    /// requested, valid for five years. PEM without a trailing newline.
    ///
    /// # Errors
    /// When the request is unreadable or has a critical extension that is not allowed.
    pub fn sign_request(&self, csr_pem: &str, now: Timestamp) -> Result<String, CsrError> {
        let request = SigningRequest::read(csr_pem)?;
        let (not_before, not_after) = validity(now)?;
        let certificate = Content {
            issuer: &self.subject,
            subject: &request.subject()?,
            public_key: &request.public_key()?,
            not_before,
            not_after,
            extensions: request.granted_extensions()?,
        }
        .sign(&self.key)?;
        Ok(pem("CERTIFICATE", &certificate)?)
    }

    /// Issues a certificate by a profile; of the request only the public key is used. PEM without a trailing newline.
    ///
    /// # Errors
    /// When the request is unreadable.
    pub fn issue(&self, profile: &Profile, csr_pem: &str, now: Timestamp) -> Result<String, CsrError> {
        let request = SigningRequest::read(csr_pem)?;
        let certificate = self.certify(profile, &request.public_key()?, request.is_elliptic()?, now)?;
        Ok(pem("CERTIFICATE", &certificate)?)
    }

    /// Generates a key and issues a certificate for it by a profile.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn issue_pair(&self, profile: &Profile, now: Timestamp) -> Result<KeyPairPem, PkiError> {
        let key = Key::generate()?;
        let certificate = self.certify(profile, &key.public_key()?, true, now)?;
        Ok(KeyPairPem { certificate: pem("CERTIFICATE", &certificate)?, key: key.pem()? })
    }

    fn certify(
        &self,
        profile: &Profile,
        public_key: &[u8],
        elliptic: bool,
        now: Timestamp,
    ) -> Result<Vec<u8>, PkiError> {
        let not_after = now.checked_add(profile.validity).map_err(making)?.min(self.not_after);
        Content {
            issuer: &self.subject,
            subject: &name(&profile.common_name, &profile.organizations)?,
            public_key,
            not_before: now.checked_sub(BACKDATED).map_err(making)?,
            not_after,
            extensions: profile.extensions(elliptic)?,
        }
        .sign(&self.key)
    }
}

fn validity(now: Timestamp) -> Result<(Timestamp, Timestamp), PkiError> {
    Ok((now.checked_sub(BACKDATED).map_err(making)?, now.checked_add(VALIDITY).map_err(making)?))
}
