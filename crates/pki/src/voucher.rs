//! The deployment's number, which a server has agents store for it. Sealed, because the machines belong to tenants: one
//! that could forge a number could stop every server.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{EncryptionKey, PkiError};

/// A voucher for the number of a deployment.
///
/// # Errors
/// When the system provides no random numbers.
pub fn issue(key: &EncryptionKey, deployment: &str, number: i64) -> Result<String, PkiError> {
    let sealed = key.seal(purpose(deployment).as_bytes(), &number.to_be_bytes())?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// The number that a voucher proves; `None` unless it is one of this deployment, issued with this key.
#[must_use]
pub fn read(key: &EncryptionKey, deployment: &str, voucher: &str) -> Option<i64> {
    let sealed = URL_SAFE_NO_PAD.decode(voucher).ok()?;
    let plain = key.open(purpose(deployment).as_bytes(), &sealed).ok()?;
    Some(i64::from_be_bytes(plain.as_slice().try_into().ok()?))
}

fn purpose(deployment: &str) -> String {
    format!("deployment/{deployment}/number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_issued_for_the_deployment_counts() {
        let key = EncryptionKey::from_bytes([1; 32]);
        let voucher = issue(&key, "a", 42).unwrap();
        assert_eq!(read(&key, "a", &voucher), Some(42));
        assert_eq!(read(&key, "b", &voucher), None);
        assert_eq!(read(&EncryptionKey::from_bytes([2; 32]), "a", &voucher), None);
        for nonsense in ["", "42", "!", &voucher[1..]] {
            assert_eq!(read(&key, "a", nonsense), None, "{nonsense}");
        }
    }
}
