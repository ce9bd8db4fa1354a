//! Memory limits as text (contract workloads-2015 section 2.5): a number with the unit `b`, `k`, `m` or `g`; bytes by
//! default.

/// Smallest limit that a Docker Engine accepts, in bytes: a container could not be started below it.
const MIN_BYTES: i64 = 6 << 20;

/// The limit in bytes. The error says what is wrong.
pub(super) fn bytes(text: &str) -> Result<i64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let (digits, shift) = match lower.char_indices().next_back() {
        Some((at, 'b')) => (&lower[..at], 0),
        Some((at, 'k')) => (&lower[..at], 10),
        Some((at, 'm')) => (&lower[..at], 20),
        Some((at, 'g')) => (&lower[..at], 30),
        _ => (lower.as_str(), 0),
    };
    let number = Some(digits)
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|digits| digits.parse::<i64>().ok())
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| format!("'{text}' is not a size. Give a number and b, k, m or g, for example 64m"))?;
    if number < MIN_BYTES { Err(format!("'{text}' is less than the 6m that a container needs")) } else { Ok(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        assert_eq!(bytes("64m"), Ok(67_108_864));
        assert_eq!(bytes("100M"), Ok(104_857_600));
        assert_eq!(bytes("1g"), Ok(1_073_741_824));
        assert_eq!(bytes("8192k"), Ok(8_388_608));
        assert_eq!(bytes("6291456"), Ok(MIN_BYTES));
        assert_eq!(bytes("6291456b"), Ok(MIN_BYTES));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "m", "-64m", "64mb", "1.5g", "64 m", "0", "5m", "9999999999g", "+64m", "64µ"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
