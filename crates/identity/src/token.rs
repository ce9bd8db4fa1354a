//! Tokens: claims encrypted with AES-256-GCM. They are not stored, so any process that has the key can validate them,
//! and they survive a restart.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::IdentityError;

/// Length of the key in bytes.
pub(crate) const KEY_LENGTH: usize = 32;

/// Length of the nonce before the ciphertext, in bytes.
const NONCE_LENGTH: usize = 12;

/// First byte of a token: the format. Bound to the ciphertext as additional data.
const FORMAT: u8 = 1;

/// Length of a [`fingerprint`] in bytes.
const FINGERPRINT_LENGTH: usize = 12;

/// Longest token that is decoded, in characters. Ours have some 300.
const MAX_LENGTH: usize = 4096;

/// The content of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Id of the user.
    #[serde(rename = "u")]
    pub(crate) user: String,
    /// Id of the project; none when it is unscoped.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    /// When it was issued, in seconds since 1970.
    #[serde(rename = "i")]
    pub(crate) issued: i64,
    /// When it expires, in seconds since 1970.
    #[serde(rename = "e")]
    pub(crate) expires: i64,
    /// Its own audit id, then that of the token it was issued from.
    #[serde(rename = "a")]
    pub(crate) audit: Vec<String>,
    /// Authentication methods of the login.
    #[serde(rename = "m")]
    pub(crate) methods: Vec<String>,
    /// [`fingerprint`] of the user's password when it was issued. It becomes invalid when the password changes.
    #[serde(rename = "k")]
    pub(crate) password: String,
}

impl Claims {
    /// When it expires.
    pub(crate) fn expires_at(&self) -> Timestamp {
        Timestamp::from_second(self.expires).unwrap_or(Timestamp::MIN)
    }

    /// When it was issued.
    pub(crate) fn issued_at(&self) -> Timestamp {
        Timestamp::from_second(self.issued).unwrap_or(Timestamp::MIN)
    }
}

/// What a token contains of the hash of its user's password: enough to detect a change.
pub(crate) fn fingerprint(password_hash: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, password_hash.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref().get(..FINGERPRINT_LENGTH).unwrap_or_default())
}

/// A new audit id: 22 characters, as in Keystone.
pub(crate) fn audit_id() -> String {
    URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes())
}

/// Seals and opens tokens.
pub(crate) struct Sealer {
    key: RandomizedNonceKey,
}

impl Sealer {
    pub(crate) fn new(key: &[u8]) -> Result<Self, IdentityError> {
        RandomizedNonceKey::new(&AES_256_GCM, key)
            .map(|key| Self { key })
            .map_err(|_| IdentityError::Crypto("the key of the tokens does not have 32 bytes"))
    }

    /// Issues a token.
    pub(crate) fn seal(&self, claims: &Claims) -> Result<String, IdentityError> {
        let failed = || IdentityError::Crypto("sealing a token failed");
        let mut text = serde_json::to_vec(claims).map_err(|_| failed())?;
        let nonce = self.key.seal_in_place_append_tag(Aad::from([FORMAT]), &mut text).map_err(|_| failed())?;
        let mut token = vec![FORMAT];
        token.extend_from_slice(nonce.as_ref());
        token.extend_from_slice(&text);
        Ok(URL_SAFE_NO_PAD.encode(token))
    }

    /// The claims of a token, expired or not; `None` when it is not one of ours. The cipher compares the tag in
    /// constant time.
    pub(crate) fn open(&self, token: &str) -> Option<Claims> {
        if token.len() > MAX_LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (&format, rest) = bytes.split_first()?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LENGTH)?;
        if format != FORMAT {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let text = self.key.open_in_place(nonce, Aad::from([FORMAT]), &mut sealed).ok()?;
        serde_json::from_slice(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            user: "u".into(),
            project: Some("p".into()),
            issued: 1,
            expires: 2,
            audit: vec![audit_id()],
            methods: vec!["password".into()],
            password: fingerprint("hash"),
        }
    }

    #[test]
    fn a_token_opens_to_what_was_sealed() {
        let sealer = Sealer::new(&[7; KEY_LENGTH]).unwrap();
        let token = sealer.seal(&claims()).unwrap();
        let opened = sealer.open(&token).unwrap();
        assert_eq!((opened.user.as_str(), opened.project.as_deref(), opened.expires), ("u", Some("p"), 2));
    }

    #[test]
    fn a_changed_or_foreign_token_does_not_open() {
        let sealer = Sealer::new(&[7; KEY_LENGTH]).unwrap();
        let token = sealer.seal(&claims()).unwrap();
        for position in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character has spare bits: such a token does not decode, or decodes to the same bytes.
            assert!(changed == token || sealer.open(&changed).is_none(), "position {position}");
        }
        assert!(Sealer::new(&[8; KEY_LENGTH]).unwrap().open(&token).is_none());
        for bad in ["", "A", "AQ", "not a token", &"A".repeat(MAX_LENGTH + 1)] {
            assert!(sealer.open(bad).is_none(), "{bad}");
        }
    }
}
