//! Kubernetes versions.

use std::fmt;
use std::str::FromStr;

/// A Kubernetes version such as `v1.37.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Always 1 so far.
    pub major: u16,
    /// What the tables of the components go by.
    pub minor: u16,
    /// Fixes only.
    pub patch: u16,
}

impl Version {
    /// The oldest minor version that the components' tables are written for.
    pub const OLDEST: Self = Self { major: 1, minor: 34, patch: 0 };
}

/// The text is not a version.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a Kubernetes version looks like v1.37.2, not {0:?}")]
pub struct NotAVersion(String);

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let parse = || {
            // Suffixes such as -rc.1 and +vendor do not change what a component understands.
            let numbers = text.strip_prefix('v')?.split(['-', '+']).next()?;
            let mut numbers = numbers.split('.').map(|number| number.parse::<u16>().ok());
            let version = Self { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? };
            numbers.next().is_none().then_some(version)
        };
        parse().ok_or_else(|| NotAVersion(text.to_owned()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_by_number() {
        let version: Version = "v1.37.2".parse().unwrap();
        assert!(version > Version::OLDEST && "v1.9.9".parse::<Version>().unwrap() < Version::OLDEST);
        assert_eq!(version.to_string(), "v1.37.2");
        assert!("v1.38.0-rc.1".parse::<Version>().unwrap() > version);
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "1.20.2", "v1.20", "v1.20.2.1", "v1.x.2", "latest"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
