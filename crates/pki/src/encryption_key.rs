//! Encryption of secrets at rest: AES-256-GCM with a key in a file beside the database, not in it.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize, Zeroizing};

use crate::PkiError;

/// Length of the key in bytes: AES-256.
const KEY_BYTES: usize = 32;

/// First byte of the output of [`EncryptionKey::seal`], so that the format can change in future.
const VERSION: u8 = 1;

/// Bytes of the authentication tag of AES-GCM.
const TAG_BYTES: usize = 16;

/// Permission bits of group and others.
const OTHERS: u32 = 0o077;

/// The key that encrypts secrets before they are stored in the database. Wiped from memory when dropped.
///
/// Nonces are random (96 bits): safe for some 2^32 secrets under one key (NIST SP 800-38D section 8.3), and a
/// deployment has a handful per cluster.
pub struct EncryptionKey(Zeroizing<[u8; KEY_BYTES]>);

impl std::fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EncryptionKey(secret)")
    }
}

impl Clone for EncryptionKey {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl EncryptionKey {
    /// A new random key.
    ///
    /// # Errors
    /// When the system provides no random numbers.
    pub fn generate() -> Result<Self, PkiError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        random(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// An existing key.
    #[must_use]
    pub fn from_bytes(mut bytes: [u8; KEY_BYTES]) -> Self {
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        key
    }

    /// Loads the key from a file (Base64). `None` if there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read, has other content, or may be read by others than its owner.
    pub fn load(path: &Path) -> Result<Option<Self>, PkiError> {
        let unreadable = |source| PkiError::KeyFile { path: path.to_owned(), doing: "reading", source };
        let mode = match fs::metadata(path) {
            Ok(metadata) => metadata.permissions().mode(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        if mode & OTHERS != 0 {
            return Err(PkiError::KeyFileExposed { path: path.to_owned(), mode: mode & 0o777 });
        }
        let text = Zeroizing::new(fs::read_to_string(path).map_err(unreadable)?);
        let invalid = || PkiError::KeyFileInvalid { path: path.to_owned() };
        let decoded = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| invalid())?);
        Ok(Some(Self(Zeroizing::new(decoded.as_slice().try_into().map_err(|_| invalid())?))))
    }

    /// Stores the key in a new file, readable only by its owner. It is written to a temporary file and then linked, so
    /// that the file is never incomplete.
    ///
    /// # Errors
    /// When the file cannot be written, or exists already: a key in use is never overwritten.
    pub fn keep(&self, path: &Path) -> Result<(), PkiError> {
        let unwritable = |source| PkiError::KeyFile { path: path.to_owned(), doing: "writing", source };
        let mut suffix = [0; 8];
        random(&mut suffix)?;
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{:016x}", u64::from_be_bytes(suffix)));
        let draft = Path::new(&name);
        let text = Zeroizing::new(STANDARD.encode(self.0.as_slice()) + "\n");
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::hard_link(draft, path)
        })();
        let tidied = match fs::remove_file(draft) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
        written.and(tidied).map_err(unwritable)
    }

    /// Encrypts `plain` so that it can only be decrypted with this key and the same `aad` (what it is and its owner).
    ///
    /// # Errors
    /// When the system provides no random numbers.
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, PkiError> {
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + plain.len() + TAG_BYTES);
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let Some(body) = sealed.get_mut(1 + NONCE_LEN..) else { return Err(PkiError::Sealing) };
        let tag = self
            .cipher()
            .ok_or(PkiError::Sealing)?
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), body)
            .map_err(|_| PkiError::Sealing)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Decrypts the output of [`Self::seal`].
    ///
    /// # Errors
    /// When it was encrypted with another key or another `aad`, or was changed since.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, PkiError> {
        let Some((&VERSION, rest)) = sealed.split_first() else { return Err(PkiError::Opening) };
        let Some((nonce, body)) = rest.split_first_chunk::<NONCE_LEN>() else { return Err(PkiError::Opening) };
        let mut plain = Zeroizing::new(body.to_vec());
        let length = self
            .cipher()
            .ok_or(PkiError::Opening)?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut plain)
            .map_err(|_| PkiError::Opening)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, self.0.as_slice()).ok().map(LessSafeKey::new)
    }
}

/// Fills `bytes` with random numbers from the system.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), PkiError> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| PkiError::Random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_with_the_same_key_and_purpose_only() {
        let key = EncryptionKey::generate().unwrap();
        let sealed = key.seal(b"cluster/etcd", b"plain").unwrap();
        assert_eq!(key.open(b"cluster/etcd", &sealed).unwrap().as_slice(), b"plain");
        assert!(key.open(b"cluster/other", &sealed).is_err());
        assert!(EncryptionKey::generate().unwrap().open(b"cluster/etcd", &sealed).is_err());
        assert!(!sealed.windows(5).any(|part| part == b"plain"));
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let key = EncryptionKey::from_bytes([7; 32]);
        let sealed = key.seal(b"", b"plain").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(b"", &changed).is_err(), "byte {at}");
        }
        for short in 0..sealed.len() {
            assert!(key.open(b"", &sealed[..short]).is_err(), "first {short} bytes");
        }
    }

    #[test]
    fn sealing_twice_gives_different_texts() {
        let key = EncryptionKey::from_bytes([7; 32]);
        assert_ne!(key.seal(b"", b"plain").unwrap(), key.seal(b"", b"plain").unwrap());
    }

    #[test]
    fn the_file_is_private_whole_and_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(EncryptionKey::load(&path).unwrap().is_none());
        let key = EncryptionKey::generate().unwrap();
        let sealed = key.seal(b"", b"plain").unwrap();
        key.keep(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let other = EncryptionKey::generate().unwrap();
        assert!(matches!(other.keep(&path), Err(PkiError::KeyFile { doing: "writing", .. })));
        assert!(EncryptionKey::load(&path).unwrap().unwrap().open(b"", &sealed).is_ok());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        EncryptionKey::generate().unwrap().keep(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = EncryptionKey::load(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_file_with_something_else_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        file.write_all(b"not a key").unwrap();
        assert!(matches!(EncryptionKey::load(&path), Err(PkiError::KeyFileInvalid { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "not a key");
    }
}
