//! Certificate signing requests: reads them, and decides which extensions are granted (contract magnum-v1 section 9.3).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use der::asn1::OctetString;
use der::flagset::FlagSet;
use der::oid::ObjectIdentifier;
use thiserror::Error;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::extensions::{ParsedExtension, X509Extension};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521, OID_PKCS1_RSAENCRYPTION,
    OID_PKCS1_RSASSAPSS, OID_PKCS1_SHA1WITHRSA, OID_SHA1_WITH_RSA, OID_SIG_ECDSA_WITH_SHA256,
    OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA512, OID_SIG_ED25519, OID_X509_EXT_BASIC_CONSTRAINTS,
    OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_KEY_USAGE, OID_X509_EXT_SUBJECT_ALT_NAME,
};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::PkiError;
use crate::agent::sha256_hex;
use crate::certificate::{extension, from_pem};

/// PEM labels of requests.
const LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/// Key usages that may be requested.
const GRANTED_USAGES: [KeyUsages; 3] =
    [KeyUsages::DigitalSignature, KeyUsages::NonRepudiation, KeyUsages::KeyEncipherment];

/// The same for messages.
const GRANTED_WORDS: &str = "digitalSignature, nonRepudiation and keyEncipherment";

/// Allowed length of RSA keys in bits. Shorter ones can be broken, longer ones are not supported by the library that
/// checks signatures.
const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// Advice for a refused key.
const GOOD_KEYS: &str = "Use RSA with 2048 to 8192 bits, a curve P-256, P-384 or P-521, or Ed25519";

/// Why a request is not signed.
#[derive(Debug, Error)]
pub enum CsrError {
    /// It is not a request.
    #[error("the certificate signing request is unreadable: {0}")]
    Unreadable(String),
    /// Its key is too weak, or of an unknown algorithm.
    #[error("the certificate signing request's key cannot be accepted: {0}")]
    Key(String),
    /// Its signature does not match its own key, or has an unknown algorithm.
    #[error("the certificate signing request's signature cannot be accepted: {0}")]
    Signature(String),
    /// It has a critical extension that is not allowed.
    #[error("the certificate signing request asks for something that is not allowed: {0}")]
    Forbidden(String),
    /// An internal error, not the client's.
    #[error(transparent)]
    Internal(#[from] PkiError),
}

/// A request whose signature is valid.
#[derive(Debug, Clone)]
pub struct SigningRequest {
    der: Vec<u8>,
}

impl SigningRequest {
    /// Reads a request and checks its signature, which proves possession of the private key.
    ///
    /// # Errors
    /// When it is malformed or the signature is wrong.
    pub fn read(pem: &str) -> Result<Self, CsrError> {
        let der = from_pem(pem, &LABELS)
            .ok_or_else(|| CsrError::Unreadable(format!("there is no PEM block '{}' in it", LABELS[0])))?;
        let request = Self { der };
        let parsed = request.parsed()?;
        // The key is checked first: with an unsupported key the signature check fails too, and its error would mislead.
        check_key(&parsed.certification_request_info.subject_pki)?;
        check_signature(&parsed)?;
        Ok(request)
    }

    fn parsed(&self) -> Result<X509CertificationRequest<'_>, CsrError> {
        let (rest, request) = X509CertificationRequest::from_der(&self.der)
            .map_err(|error| CsrError::Unreadable(format!("it is not a PKCS#10 request ({error})")))?;
        if rest.is_empty() { Ok(request) } else { Err(CsrError::Unreadable("there is data after its end".into())) }
    }

    /// DER of the subject, as in the request.
    pub(crate) fn subject(&self) -> Result<Vec<u8>, CsrError> {
        Ok(self.parsed()?.certification_request_info.subject.as_raw().to_vec())
    }

    /// DER of the public key, as in the request.
    pub(crate) fn public_key(&self) -> Result<Vec<u8>, CsrError> {
        Ok(self.parsed()?.certification_request_info.subject_pki.raw.to_vec())
    }

    /// Fingerprint of the public key: SHA-256 of its DER, in hexadecimal.
    ///
    /// # Errors
    /// When the request is malformed.
    pub fn key_hash(&self) -> Result<String, CsrError> {
        Ok(sha256_hex(&self.public_key()?))
    }

    /// Whether it is an elliptic-curve key, which cannot encrypt.
    pub(crate) fn is_elliptic(&self) -> Result<bool, CsrError> {
        Ok(self.parsed()?.certification_request_info.subject_pki.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY)
    }

    /// The requested extensions that are granted (contract magnum-v1 section 9.3).
    ///
    /// # Errors
    /// When a critical one requests too much, or one is malformed or duplicated.
    pub(crate) fn granted_extensions(&self) -> Result<Vec<Extension>, CsrError> {
        let request = self.parsed()?;
        let mut seen = BTreeSet::new();
        let mut granted = Vec::new();
        for attribute in request.certification_request_info.iter_attributes() {
            let ParsedCriAttribute::ExtensionRequest(wanted) = attribute.parsed_attribute() else { continue };
            for wish in &wanted.extensions {
                if !seen.insert(wish.oid.to_id_string()) {
                    return Err(CsrError::Unreadable(format!("extension {} is duplicated", name_of(wish))));
                }
                granted.extend(grant(wish)?);
            }
        }
        Ok(granted)
    }
}

/// The extension as granted, possibly reduced; `None` when it is dropped.
fn grant(wish: &X509Extension<'_>) -> Result<Option<Extension>, CsrError> {
    match wish.parsed_extension() {
        ParsedExtension::KeyUsage(wanted) => {
            let wanted = FlagSet::<KeyUsages>::new_truncated(wanted.flags);
            let allowed: FlagSet<KeyUsages> = GRANTED_USAGES.iter().fold(FlagSet::default(), |set, usage| set | *usage);
            if wish.critical && !(wanted - allowed).is_empty() {
                return Err(CsrError::Forbidden(format!("a critical keyUsage other than {GRANTED_WORDS}")));
            }
            let granted = wanted & allowed;
            // Verifiers refuse a certificate with no usage, and one without the extension could be used for anything.
            if granted.is_empty() {
                return Err(CsrError::Forbidden(format!(
                    "a keyUsage with none of {GRANTED_WORDS}, the only ones that are granted. Ask for one of them, or \
                     leave keyUsage out"
                )));
            }
            Ok(Some(extension(&KeyUsage(granted), wish.critical)?))
        }
        ParsedExtension::BasicConstraints(wanted) => {
            if wish.critical && wanted.ca {
                return Err(CsrError::Forbidden(
                    "to be an authority itself (critical basicConstraints CA:TRUE)".into(),
                ));
            }
            Ok(Some(extension(&BasicConstraints { ca: false, path_len_constraint: None }, wish.critical)?))
        }
        ParsedExtension::ExtendedKeyUsage(_) | ParsedExtension::SubjectAlternativeName(_) => {
            let oid = ObjectIdentifier::new(&wish.oid.to_id_string());
            let value = OctetString::new(wish.value);
            match (oid, value) {
                (Ok(extn_id), Ok(extn_value)) => Ok(Some(Extension { extn_id, critical: wish.critical, extn_value })),
                _ => Err(CsrError::Unreadable(format!("extension {} is malformed", name_of(wish)))),
            }
        }
        // An extension that would be kept, but is malformed.
        _ if KEPT.iter().any(|(kept, _)| *kept == wish.oid) => {
            Err(CsrError::Unreadable(format!("extension {} is malformed", name_of(wish))))
        }
        _ if wish.critical => Err(CsrError::Forbidden(format!("the critical extension {}", name_of(wish)))),
        _ => Ok(None),
    }
}

/// The extensions that are kept.
const KEPT: [(x509_parser::der_parser::Oid<'static>, &str); 4] = [
    (OID_X509_EXT_KEY_USAGE, "keyUsage"),
    (OID_X509_EXT_EXTENDED_KEY_USAGE, "extendedKeyUsage"),
    (OID_X509_EXT_SUBJECT_ALT_NAME, "subjectAltName"),
    (OID_X509_EXT_BASIC_CONSTRAINTS, "basicConstraints"),
];

fn name_of(wish: &X509Extension<'_>) -> String {
    match KEPT.iter().find(|(oid, _)| *oid == wish.oid) {
        Some((_, name)) => (*name).to_owned(),
        None => wish.oid.to_id_string(),
    }
}

/// Checks the key: RSA with enough bits, P-256, P-384, P-521 and Ed25519, which Kubernetes and Docker support.
fn check_key(key: &SubjectPublicKeyInfo<'_>) -> Result<(), CsrError> {
    let refused = |what: String| Err(CsrError::Key(format!("it is {what}. {GOOD_KEYS}")));
    let algorithm = &key.algorithm.algorithm;
    if *algorithm == OID_PKCS1_RSAENCRYPTION {
        let bits = match key.parsed() {
            Ok(PublicKey::RSA(rsa)) => bits(rsa.modulus),
            _ => return Err(CsrError::Unreadable("its RSA key is malformed".into())),
        };
        return if RSA_BITS.contains(&bits) { Ok(()) } else { refused(format!("RSA with {bits} bits")) };
    }
    if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = key.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
        return match curve {
            Some(curve) if [OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521].contains(&curve) => Ok(()),
            Some(curve) => refused(format!("on the curve {}", known_as(&curve.to_id_string()))),
            None => refused("on a curve without a name".into()),
        };
    }
    if *algorithm == OID_SIG_ED25519 {
        return Ok(());
    }
    refused(format!("of the algorithm {}", known_as(&algorithm.to_id_string())))
}

/// Number of bits of a big-endian number.
fn bits(number: &[u8]) -> usize {
    let significant = number.iter().position(|byte| *byte != 0).and_then(|at| number.get(at..)).unwrap_or_default();
    let unused = significant.first().map_or(0, |byte| byte.leading_zeros());
    (significant.len() * 8).saturating_sub(unused as usize)
}

/// Name of an unsupported algorithm or curve, for messages.
fn known_as(oid: &str) -> &str {
    match oid {
        "1.2.840.113549.1.1.10" => "RSASSA-PSS",
        "1.2.840.10040.4.1" => "DSA",
        "1.3.101.113" => "Ed448",
        "1.3.132.0.10" => "secp256k1",
        "1.3.132.0.33" => "P-224",
        "1.2.840.10045.3.1.1" => "P-192",
        other => other,
    }
}

/// Checks the signature: RSA and Ed25519 with SHA-2, P-256, P-384 and P-521 with any SHA-2.
fn check_signature(request: &X509CertificationRequest<'_>) -> Result<(), CsrError> {
    let info = &request.certification_request_info;
    let sort = &request.signature_algorithm.algorithm;
    if *sort == OID_PKCS1_SHA1WITHRSA || *sort == OID_SHA1_WITH_RSA {
        return Err(CsrError::Signature("it is made with SHA-1. Make it with SHA-256 or better".into()));
    }
    let verified = match elliptic(request) {
        Some(algorithm) => UnparsedPublicKey::new(algorithm, &info.subject_pki.subject_public_key.data)
            .verify(info.raw, &request.signature_value.data)
            .map_err(|_| x509_parser::error::X509Error::SignatureVerificationError),
        None => request.verify_signature(),
    };
    verified.map_err(|error| match error {
        x509_parser::error::X509Error::SignatureUnsupportedAlgorithm => CsrError::Signature(format!(
            "algorithm {} is not known. Use RSA (2048 bits or more), P-256, P-384, P-521 or Ed25519 with SHA-2",
            known_as(&sort.to_id_string())
        )),
        _ if *sort == OID_PKCS1_RSASSAPSS => CsrError::Signature(
            "it is RSASSA-PSS, and either its salt is not as long as its digest, or it does not belong to the \
             request's own public key. Make it with RSA PKCS#1 v1.5 and SHA-256"
                .into(),
        ),
        _ => CsrError::Signature("it does not belong to the request's own public key".into()),
    })
}

/// Any combination of curve and digest is allowed: `openssl req` uses SHA-256 with every curve.
fn elliptic(request: &X509CertificationRequest<'_>) -> Option<&'static dyn VerificationAlgorithm> {
    let curve = request.certification_request_info.subject_pki.algorithm.parameters.as_ref()?.as_oid().ok()?;
    let digest = &request.signature_algorithm.algorithm;
    let row: [&'static dyn VerificationAlgorithm; 3] = if curve == OID_EC_P256 {
        [&signature::ECDSA_P256_SHA256_ASN1, &signature::ECDSA_P256_SHA384_ASN1, &signature::ECDSA_P256_SHA512_ASN1]
    } else if curve == OID_NIST_EC_P384 {
        [&signature::ECDSA_P384_SHA256_ASN1, &signature::ECDSA_P384_SHA384_ASN1, &signature::ECDSA_P384_SHA512_ASN1]
    } else if curve == OID_NIST_EC_P521 {
        [&signature::ECDSA_P521_SHA256_ASN1, &signature::ECDSA_P521_SHA384_ASN1, &signature::ECDSA_P521_SHA512_ASN1]
    } else {
        return None;
    };
    let digests = [OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA512];
    digests.iter().position(|known| known == digest).and_then(|at| row.get(at).copied())
}
