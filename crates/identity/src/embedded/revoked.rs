//! Tokens that were revoked before they expired. Kept until they would have expired.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::{IdentityError, files};

/// Audit ids of revoked tokens, each with its expiry in seconds since 1970.
pub(super) struct Revoked {
    path: PathBuf,
    ends: Mutex<BTreeMap<String, i64>>,
}

impl Revoked {
    pub(super) fn open(path: PathBuf) -> Result<Self, IdentityError> {
        let ends = match files::read_private(&path)? {
            None => BTreeMap::new(),
            Some(text) => serde_json::from_str(&text).map_err(|error| IdentityError::Damaged {
                path: path.display().to_string(),
                reason: error.to_string(),
            })?,
        };
        Ok(Self { path, ends: Mutex::new(ends) })
    }

    pub(super) fn contains(&self, audit: &str) -> bool {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).contains_key(audit)
    }

    /// Adds a token, drops those that have expired, and writes the file. Times in seconds since 1970.
    pub(super) fn add(&self, audit: &str, end: i64, now: i64) -> Result<(), IdentityError> {
        // Held while writing, so that two revocations do not overwrite each other's file.
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.retain(|_, end| *end > now);
        ends.insert(audit.to_owned(), end);
        let text = serde_json::to_string(&*ends).map_err(|_| IdentityError::Crypto("writing revoked tokens failed"))?;
        files::write_private(&self.path, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_revoked_stays_so_until_it_ends_anyway() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked.json");
        let revoked = Revoked::open(path.clone()).unwrap();
        revoked.add("one", 10, 5).unwrap();
        revoked.add("two", 30, 6).unwrap();
        let revoked = Revoked::open(path).unwrap();
        assert!(revoked.contains("one") && revoked.contains("two"));
        revoked.add("three", 40, 20).unwrap();
        assert!(!revoked.contains("one") && revoked.contains("two") && revoked.contains("three"));
    }
}
