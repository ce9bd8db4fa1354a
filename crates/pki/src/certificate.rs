//! Encodes certificates, and reads their relevant fields.
//!
//! Names and public keys of requests are copied into certificates byte for byte: a subject may have any number of
//! organizations (groups in Kubernetes), in any order and encoding, and all must be preserved.

use std::time::Duration;

use der::asn1::{Any, AnyRef, BitString, OctetString, Utf8StringRef};
use der::oid::{AssociatedOid, ObjectIdentifier};
use der::pem::LineEnding;
use der::{Decode, Encode, Sequence};
use jiff::{SignedDuration, Timestamp};
use x509_cert::AlgorithmIdentifier;
use x509_cert::Version;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_cert::name::RelativeDistinguishedName;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::PkiError;
use crate::encryption_key::random;
use crate::key::Key;

/// How far before now certificates become valid: clocks of machines may be behind (contract magnum-v1 section 9.2).
pub(crate) const BACKDATED: SignedDuration = SignedDuration::from_hours(24);

/// Validity of authorities and of certificates signed for clients (contract magnum-v1 section 9.2).
pub const VALIDITY: SignedDuration = SignedDuration::from_hours(1825 * 24);

/// Most characters of a common name (RFC 5280, `ub-common-name`).
const MAX_COMMON_NAME: usize = 64;

/// Length of a serial number in bytes: that of a random UUID (contract magnum-v1 section 9.2).
const SERIAL_BYTES: usize = 16;

/// Length of a key identifier in bytes (RFC 7093 section 2, method 1: the left 160 bits of SHA-256).
const KEY_ID_BYTES: usize = 20;

const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// The part of a certificate that is signed (RFC 5280 section 4.1).
#[derive(Sequence)]
struct ToBeSigned<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: Version,
    serial_number: SerialNumber,
    signature: AlgorithmIdentifier,
    issuer: AnyRef<'a>,
    validity: Validity,
    subject: AnyRef<'a>,
    subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

/// A certificate or a request: content and signature.
#[derive(Sequence)]
struct Signed<'a> {
    content: AnyRef<'a>,
    algorithm: AlgorithmIdentifier,
    signature: BitString,
}

/// Content of a new certificate.
pub(crate) struct Content<'a> {
    /// DER of a name.
    pub(crate) issuer: &'a [u8],
    /// DER of a name.
    pub(crate) subject: &'a [u8],
    /// DER of the subject's public key.
    pub(crate) public_key: &'a [u8],
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    /// All except the key identifier, which `sign` adds.
    pub(crate) extensions: Vec<Extension>,
}

impl Content<'_> {
    /// Signs the content; returns the certificate as DER.
    pub(crate) fn sign(mut self, key: &Key) -> Result<Vec<u8>, PkiError> {
        self.extensions.push(extension(&key_identifier(self.public_key)?, false)?);
        let mut serial = [0; SERIAL_BYTES];
        random(&mut serial)?;
        // The first byte is made positive and not 0, so that all serials have the same length.
        serial[0] = serial[0] & 0x7f | 0x40;
        let to_be_signed = ToBeSigned {
            version: Version::V3,
            serial_number: SerialNumber::new(&serial).map_err(making)?,
            signature: algorithm(),
            issuer: AnyRef::from_der(self.issuer).map_err(making)?,
            validity: Validity::new(time(self.not_before)?, time(self.not_after)?),
            subject: AnyRef::from_der(self.subject).map_err(making)?,
            subject_public_key_info: AnyRef::from_der(self.public_key).map_err(making)?,
            extensions: self.extensions,
        };
        signed(&to_be_signed.to_der().map_err(making)?, key)
    }
}

/// Signs `content`; returns both as DER.
pub(crate) fn signed(content: &[u8], key: &Key) -> Result<Vec<u8>, PkiError> {
    let signature = BitString::from_bytes(&key.sign(content)?).map_err(making)?;
    let content = AnyRef::from_der(content).map_err(making)?;
    Signed { content, algorithm: algorithm(), signature }.to_der().map_err(making)
}

fn algorithm() -> AlgorithmIdentifier {
    AlgorithmIdentifier { oid: ECDSA_WITH_SHA256, parameters: None }
}

fn time(at: Timestamp) -> Result<Time, PkiError> {
    let since = Duration::from_secs(u64::try_from(at.as_second()).map_err(making)?);
    der::DateTime::from_unix_duration(since).map(Time::from).map_err(making)
}

/// Encodes an extension.
pub(crate) fn extension<T: AssociatedOid + Encode>(value: &T, critical: bool) -> Result<Extension, PkiError> {
    let value = value.to_der().map_err(making)?;
    Ok(Extension { extn_id: T::OID, critical, extn_value: OctetString::new(value).map_err(making)? })
}

/// An identifier for a public key (DER). Clients only compare it, and do not compute it again.
fn key_identifier(public_key: &[u8]) -> Result<SubjectKeyIdentifier, PkiError> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, public_key);
    let id = digest.as_ref().get(..KEY_ID_BYTES).unwrap_or_default();
    Ok(SubjectKeyIdentifier(OctetString::new(id).map_err(making)?))
}

/// DER of a distinguished name: organizations, then the common name, cut to [`MAX_COMMON_NAME`].
pub(crate) fn name(common_name: &str, organizations: &[String]) -> Result<Vec<u8>, PkiError> {
    let common_name: String = common_name.chars().take(MAX_COMMON_NAME).collect();
    let organizations = organizations.iter().map(|organization| (ORGANIZATION, organization.as_str()));
    organizations
        .chain([(COMMON_NAME, common_name.as_str())])
        .map(|(oid, text)| {
            let value = Any::from(Utf8StringRef::new(text)?);
            RelativeDistinguishedName::try_from(vec![AttributeTypeAndValue { oid, value }])
        })
        .collect::<Result<Vec<_>, _>>()
        .and_then(|name| name.to_der())
        .map_err(making)
}

/// PEM without a trailing newline (contract magnum-v1 section 2.5).
pub(crate) fn pem(label: &str, der: &[u8]) -> Result<String, PkiError> {
    let text = der::pem::encode_string(label, LineEnding::LF, der).map_err(making)?;
    Ok(text.trim_end().to_owned())
}

/// DER of the first PEM block with one of these labels.
pub(crate) fn from_pem(text: &str, labels: &[&str]) -> Option<Vec<u8>> {
    x509_parser::pem::Pem::iter_from_buffer(text.as_bytes())
        .filter_map(Result::ok)
        .find(|block| labels.contains(&block.label.as_str()))
        .map(|block| block.contents)
}

pub(crate) fn making(error: impl std::fmt::Display) -> PkiError {
    PkiError::Making { doing: "encoding a certificate", detail: error.to_string() }
}

/// The relevant fields of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Serial number, hexadecimal.
    pub serial: String,
    /// The subject as text.
    pub subject: String,
    /// Common name of the subject, if it has exactly one.
    pub common_name: Option<String>,
    /// Organizations of the subject.
    pub organizations: Vec<String>,
    /// Common name of the issuer, if it has exactly one.
    pub issuer: Option<String>,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
}

impl Facts {
    /// Reads a certificate.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn read_pem(pem: &str) -> Result<Self, PkiError> {
        let der = from_pem(pem, &["CERTIFICATE"]).ok_or_else(|| malformed("no PEM block CERTIFICATE in it"))?;
        Self::read(&der)
    }

    /// The same from DER.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn read(der: &[u8]) -> Result<Self, PkiError> {
        let certificate = parse(der)?;
        let one = |name: &x509_parser::x509::X509Name<'_>| {
            let mut names = name.iter_common_name();
            let first = names.next()?.as_str().ok()?.to_owned();
            names.next().is_none().then_some(first)
        };
        let at = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).map_err(malformed);
        Ok(Self {
            serial: certificate.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect(),
            subject: certificate.subject().to_string(),
            common_name: one(certificate.subject()),
            organizations: certificate
                .subject()
                .iter_organization()
                .filter_map(|organization| organization.as_str().ok().map(str::to_owned))
                .collect(),
            issuer: one(certificate.issuer()),
            not_before: at(certificate.validity().not_before)?,
            not_after: at(certificate.validity().not_after)?,
        })
    }
}

/// Parses the DER of a certificate.
pub(crate) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, PkiError> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(malformed)?;
    if rest.is_empty() { Ok(certificate) } else { Err(malformed("there is data after its end")) }
}

pub(crate) fn malformed(detail: impl std::fmt::Display) -> PkiError {
    PkiError::Malformed { what: "a certificate", detail: detail.to_string() }
}
