//! Passwords: generated at random, stored as argon2id hashes, checked with bounded load.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::distr::{Alphanumeric, SampleString};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::IdentityError;

/// Length of generated passwords: 24 letters and digits are 142 bits.
const LENGTH: usize = 24;

/// Memory of a hash in KiB, and passes over it. Of the settings that the OWASP Password Storage Cheat Sheet considers
/// equal this is the one with the least memory: the whole server is to take no more than some 50 MB.
const MEMORY: u32 = 7 * 1024;
const PASSES: u32 = 5;

/// Hashes computed at the same time. Each takes its memory and a core for some ten milliseconds. With this limit a
/// password-guessing attack can neither fill the memory nor occupy all cores.
const AT_ONCE: usize = 2;

/// How long a login waits for its turn before it is refused as [`Outcome::Busy`].
const WAIT: Duration = Duration::from_secs(10);

/// Generates a password.
pub(crate) fn generate() -> SecretString {
    SecretString::from(Alphanumeric.sample_string(&mut rand::rng(), LENGTH))
}

fn params() -> Result<Params, IdentityError> {
    Params::new(MEMORY, PASSES, 1, None)
        .map_err(|_| IdentityError::Crypto("the settings for hashing passwords are wrong"))
}

/// Hashes a password.
pub(crate) fn hash(password: &SecretString) -> Result<String, IdentityError> {
    let params = params()?;
    let hash: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.expose_secret().as_bytes())
        .map_err(|_| IdentityError::Crypto("hashing a password failed"))?;
    Ok(hash.to_string())
}

/// A hash of the same cost that matches no password: its output is random.
fn nobody() -> Result<String, IdentityError> {
    let output = Output::new(&rand::random::<[u8; Params::DEFAULT_OUTPUT_LEN]>());
    let (Ok(params), Ok(output)) = (ParamsString::try_from(&params()?), output) else {
        return Err(IdentityError::Crypto("the settings for hashing passwords are wrong"));
    };
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params,
        salt: Some(Salt::generate()),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

/// Result of checking a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The password matches.
    Right,
    /// It does not match, or there is no such user.
    Wrong,
    /// Too many logins at once.
    Busy,
}

/// Checks passwords, a few at a time.
pub(crate) struct Checker {
    turns: Arc<Semaphore>,
    /// Checked when there is no such user, so that the response takes as long.
    nobody: Arc<str>,
}

impl Checker {
    pub(crate) fn new() -> Result<Self, IdentityError> {
        Ok(Self { turns: Arc::new(Semaphore::new(AT_ONCE)), nobody: nobody()?.into() })
    }

    /// Checks a password against the hash of a user, or a dummy hash when there is none.
    pub(crate) async fn check(&self, password: SecretString, hash: Option<&str>) -> Outcome {
        let known = hash.is_some();
        let hash: Arc<str> = hash.map_or_else(|| Arc::clone(&self.nobody), Arc::from);
        let Ok(Ok(turn)) = tokio::time::timeout(WAIT, Arc::clone(&self.turns).acquire_owned()).await else {
            return Outcome::Busy;
        };
        let right = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            PasswordHash::new(&hash).is_ok_and(|parsed| {
                Argon2::default().verify_password(password.expose_secret().as_bytes(), &parsed).is_ok()
            })
        })
        .await
        .unwrap_or(false);
        if right && known { Outcome::Right } else { Outcome::Wrong }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nobody_differs_from_a_hash_in_nothing_but_salt_and_output() {
        let (real, nobody) = (hash(&generate()).unwrap(), nobody().unwrap());
        let shape = |text: &str| {
            let parts: Vec<&str> = text.split('$').collect();
            (parts[..4].join("$"), parts[4].len(), parts[5].len())
        };
        assert_eq!(shape(&real), shape(&nobody));
        assert!(PasswordHash::new(&nobody).is_ok());
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_right() {
        let checker = Checker::new().unwrap();
        let password = generate();
        let stored = hash(&password).unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert_eq!(checker.check(password.clone(), Some(&stored)).await, Outcome::Right);
        assert_eq!(checker.check(generate(), Some(&stored)).await, Outcome::Wrong);
        assert_eq!(checker.check(password, None).await, Outcome::Wrong);
    }
}
