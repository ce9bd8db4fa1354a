//! Versions of Kubernetes, and how every part of the program writes, parses and compares them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Maximum number of digits of a number in a version. Kubernetes uses three at most.
const MAX_DIGITS: usize = 3;

/// An exact version of Kubernetes, such as `v1.37.2`. They compare by number.
///
/// The text becomes part of paths on nodes, so only exactly what [`fmt::Display`] writes is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Version {
    /// The minor version: determines features and the supported version skew.
    pub minor: u16,
    /// The patch version: fixes only.
    pub patch: u16,
}

impl Version {
    /// The version 1.`minor`.`patch`.
    #[must_use]
    pub const fn new(minor: u16, patch: u16) -> Self {
        Self { minor, patch }
    }

    /// Whether this is Kubernetes 1.`minor` or newer.
    #[must_use]
    pub const fn since(self, minor: u16) -> bool {
        self.minor >= minor
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1.{}.{}", self.minor, self.patch)
    }
}

/// The text is not a Kubernetes version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a Kubernetes version looks like v1.37.2, not {0:?}")]
pub struct NotAVersion(String);

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let parse = || {
            let (minor, patch) = text.strip_prefix("v1.")?.split_once('.')?;
            Some(Self { minor: number(minor)?, patch: number(patch)? })
        };
        parse().ok_or_else(|| NotAVersion(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Version {
    type Error = NotAVersion;

    fn try_from(text: String) -> Result<Self, NotAVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

/// Parses a number of a version: digits, without leading zeros.
#[must_use]
pub fn number(text: &str) -> Option<u16> {
    let is_number = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_canonical = text == "0" || !text.starts_with('0');
    if is_number && is_canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_written_and_compared_by_number() {
        let version: Version = "v1.37.2".parse().unwrap();
        assert_eq!((version, version.to_string().as_str()), (Version::new(37, 2), "v1.37.2"));
        assert!(version.since(37) && version.since(9) && !version.since(38));
        assert!(Version::new(9, 11) < Version::new(10, 0) && Version::new(34, 10) > Version::new(34, 9));
        assert_eq!(serde_json::to_string(&version).unwrap(), "\"v1.37.2\"");
        assert_eq!(serde_json::from_str::<Version>("\"v1.37.0\"").unwrap(), Version::new(37, 0));
        assert!(serde_json::from_str::<Version>("\"v1.37\"").is_err());
    }

    #[test]
    fn nothing_else_is_a_version() {
        for bad in [
            "",
            "1.37.2",
            "v1.37",
            "v1.37.2.1",
            "v1..2",
            "v1.x.2",
            "v2.1.0",
            "v1.037.2",
            "v1.37.02",
            "v1.1000.1",
            "v1.37.2-rc.1",
            "v1.37.2/..",
            "v1.37.2\n",
            " v1.37.2",
            "v1.37.+2",
            "v1.37.٢",
            "../../etc",
            "latest",
        ] {
            assert!(bad.parse::<Version>().is_err(), "{bad:?}");
        }
        let long = "v1.".repeat(10_000).parse::<Version>().unwrap_err().to_string();
        assert!(long.len() < 100, "{long}");
    }
}
