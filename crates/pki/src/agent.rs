//! The CA of nodes' agents and their endpoint, one per deployment, and the tokens with which agents enrol. Shared by
//! the endpoint and the code that makes bootstrap files.

use std::fmt::Write as _;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::certificate::{Facts, VALIDITY};
use crate::encryption_key::random;
use crate::{Authority, PkiError, Profile};

/// Name of the CA among the deployment's secrets.
pub const SECRET_NAME: &str = "agent-ca";

/// Common name of the CA.
const AUTHORITY_NAME: &str = "jeroboam agents";

/// Prefix of the common name of an agent's certificate; the node's id follows.
const NODE_PREFIX: &str = "node:";

/// Length of a token in bytes: as hard to guess as a key.
const TOKEN_BYTES: usize = 32;

/// Creates a CA for agents.
///
/// # Errors
/// When the cryptographic library fails.
pub fn authority(now: Timestamp) -> Result<Authority, PkiError> {
    Authority::generate(AUTHORITY_NAME, now)
}

/// The profile of an agent's certificate, which identifies one node and has no other use. Valid as long as the CA can
/// be: an agent that was disconnected for long must be able to reconnect.
#[must_use]
pub fn node_profile(node: Uuid) -> Profile {
    Profile {
        common_name: format!("{NODE_PREFIX}{node}"),
        organizations: Vec::new(),
        names: Vec::new(),
        addresses: Vec::new(),
        server: false,
        client: true,
        validity: VALIDITY,
    }
}

/// The profile of the agent endpoint's certificate, for these addresses.
#[must_use]
pub fn server_profile(addresses: Vec<IpAddr>) -> Profile {
    Profile {
        common_name: "jeroboam agent endpoint".to_owned(),
        organizations: Vec::new(),
        names: vec!["localhost".to_owned()],
        addresses,
        server: true,
        client: false,
        validity: VALIDITY,
    }
}

/// The node that a certificate (DER) identifies. Does not check the signature: TLS has done that before.
#[must_use]
pub fn node_of(certificate: &[u8]) -> Option<Uuid> {
    let common_name = Facts::read(certificate).ok()?.common_name?;
    Uuid::parse_str(common_name.strip_prefix(NODE_PREFIX)?).ok()
}

/// A one-time enrolment token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token, for the machine.
    pub secret: SecretString,
    /// Its hash, for the database: see [`token_hash`].
    pub hash: String,
}

impl Token {
    /// A new random token.
    ///
    /// # Errors
    /// When the system provides no random numbers.
    pub fn generate() -> Result<Self, PkiError> {
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        random(bytes.as_mut())?;
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
        Ok(Self { hash: token_hash(&secret), secret: secret.as_str().into() })
    }
}

/// Hash of a token for the database: SHA-256 in hexadecimal. A token is as long as a key, so no slower hash is needed.
#[must_use]
pub fn token_hash(token: &str) -> String {
    sha256_hex(token.as_bytes())
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_certificate_names_the_node_and_nothing_else_does() {
        let now = Timestamp::now();
        let authority = authority(now).unwrap();
        let node = Uuid::from_u128(7);
        let der = |pem: &str| crate::certificate::from_pem(pem, &["CERTIFICATE"]).unwrap();
        let pair = authority.issue_pair(&node_profile(node), now).unwrap();
        assert_eq!(node_of(&der(&pair.certificate)), Some(node));
        assert_eq!(node_of(authority.certificate_der()), None);
        assert_eq!(node_of(b"rubbish"), None);
    }

    #[test]
    fn tokens_differ_and_their_hash_is_known() {
        let (one, other) = (Token::generate().unwrap(), Token::generate().unwrap());
        assert_ne!(one.hash, other.hash);
        assert_eq!(token_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
