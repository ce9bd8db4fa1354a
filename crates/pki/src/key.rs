//! P-256 keys.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use der::asn1::{AnyRef, Null};
use der::{Decode, Encode};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::PkiError;
use crate::certificate::{from_pem, making, name, pem, signed};

/// A P-256 key for signing certificates, requests and tokens.
pub(crate) struct Key(EcdsaKeyPair);

impl Key {
    pub(crate) fn generate() -> Result<Self, PkiError> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
            .map(Self)
            .map_err(|error| PkiError::Making { doing: "making a key", detail: error.to_string() })
    }

    /// Loads a key from PKCS#8 PEM.
    pub(crate) fn load(text: &SecretString) -> Result<Self, PkiError> {
        let malformed = |detail: String| PkiError::Malformed { what: "a private key", detail };
        let der = from_pem(text.expose_secret(), &["PRIVATE KEY"])
            .map(Zeroizing::new)
            .ok_or_else(|| malformed("no PEM block PRIVATE KEY in it".into()))?;
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der)
            .map(Self)
            .map_err(|error| malformed(error.to_string()))
    }

    /// The key as PKCS#8 PEM.
    pub(crate) fn pem(&self) -> Result<SecretString, PkiError> {
        let document = self
            .0
            .to_pkcs8v1()
            .map_err(|error| PkiError::Making { doing: "encoding a key", detail: error.to_string() })?;
        Ok(pem("PRIVATE KEY", document.as_ref())?.into())
    }

    /// DER of the public half (SubjectPublicKeyInfo).
    pub(crate) fn public_key(&self) -> Result<Vec<u8>, PkiError> {
        let der: PublicKeyX509Der<'_> = self
            .0
            .public_key()
            .as_der()
            .map_err(|error| PkiError::Making { doing: "encoding a public key", detail: error.to_string() })?;
        Ok(der.as_ref().to_vec())
    }

    /// Signature by ECDSA with SHA-256, ASN.1.
    pub(crate) fn sign(&self, content: &[u8]) -> Result<Vec<u8>, PkiError> {
        let signature = self
            .0
            .sign(&SystemRandom::new(), content)
            .map_err(|error| PkiError::Making { doing: "signing", detail: error.to_string() })?;
        Ok(signature.as_ref().to_vec())
    }
}

/// A new key (PKCS#8 PEM) and a certificate signing request (PEM) for it, without extensions.
///
/// # Errors
/// When the cryptographic library fails.
pub fn key_and_request(common_name: &str, organizations: &[String]) -> Result<(SecretString, String), PkiError> {
    let key = Key::generate()?;
    let subject = name(common_name, organizations)?;
    let public_key = key.public_key()?;
    // CertificationRequestInfo (RFC 2986 section 4.1) with an empty set of attributes.
    let info = RequestInfo {
        version: 0,
        subject: AnyRef::from_der(&subject).map_err(making)?,
        public_key: AnyRef::from_der(&public_key).map_err(making)?,
        attributes: Vec::new(),
    };
    let request = signed(&info.to_der().map_err(making)?, &key)?;
    Ok((key.pem()?, pem("CERTIFICATE REQUEST", &request)?))
}

#[derive(der::Sequence)]
struct RequestInfo<'a> {
    version: u8,
    subject: AnyRef<'a>,
    public_key: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    attributes: Vec<Null>,
}

/// A new key for signing tokens of service accounts: private half (PKCS#8 PEM) and public half
/// (SubjectPublicKeyInfo PEM).
///
/// # Errors
/// When the cryptographic library fails.
pub fn signing_key() -> Result<(SecretString, String), PkiError> {
    let key = Key::generate()?;
    Ok((key.pem()?, pem("PUBLIC KEY", &key.public_key()?)?))
}
