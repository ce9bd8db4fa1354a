//! Profiles of certificates that we issue for ourselves.

use std::net::IpAddr;

use der::asn1::Ia5String;
use der::oid::ObjectIdentifier;
use jiff::SignedDuration;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName};

use crate::PkiError;
use crate::certificate::{extension, making};

const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// Content of a certificate, except the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Common name, cut to 64 characters.
    pub common_name: String,
    /// Organizations; groups in Kubernetes.
    pub organizations: Vec<String>,
    /// DNS names of the server (subject alternative names).
    pub names: Vec<String>,
    /// IP addresses of the server (subject alternative names).
    pub addresses: Vec<IpAddr>,
    /// Whether it is valid for TLS servers.
    pub server: bool,
    /// Whether it is valid for TLS clients.
    pub client: bool,
    /// Validity from now on; limited to that of the authority.
    pub validity: SignedDuration,
}

impl Profile {
    pub(crate) fn extensions(&self, elliptic: bool) -> Result<Vec<Extension>, PkiError> {
        let mut usages = KeyUsages::DigitalSignature.into();
        if !elliptic {
            // TLS 1.2 with RSA key exchange, which some clients still require, encrypts with the key.
            usages |= KeyUsages::KeyEncipherment;
        }
        let mut purposes = Vec::new();
        if self.server {
            purposes.push(SERVER_AUTH);
        }
        if self.client {
            purposes.push(CLIENT_AUTH);
        }
        let mut extensions = vec![
            extension(&BasicConstraints { ca: false, path_len_constraint: None }, true)?,
            extension(&KeyUsage(usages), true)?,
        ];
        if !purposes.is_empty() {
            extensions.push(extension(&ExtendedKeyUsage(purposes), false)?);
        }
        let mut names = Vec::new();
        for name in &self.names {
            names.push(GeneralName::DnsName(Ia5String::new(name).map_err(making)?));
        }
        names.extend(self.addresses.iter().copied().map(GeneralName::from));
        if !names.is_empty() {
            extensions.push(extension(&SubjectAltName(names), false)?);
        }
        Ok(extensions)
    }
}
