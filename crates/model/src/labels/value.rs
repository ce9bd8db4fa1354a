//! Types of the values of labels.

use ipnet::{IpNet, Ipv4Net};

use crate::kubernetes;

/// Type of a label's value. All values are strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelType {
    /// Any text.
    Text,
    /// `true` or `false`, in all the spellings that Magnum knows.
    Boolean,
    /// A whole number within bounds.
    Integer {
        /// Lowest.
        min: u32,
        /// Highest.
        max: u32,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An IPv4 network whose prefix is within bounds.
    Network {
        /// Shortest prefix, the largest network.
        shortest: u8,
        /// Longest prefix, the smallest network.
        longest: u8,
    },
    /// Networks of either family, comma separated.
    Networks,
    /// A version of Kubernetes, `v1.MINOR` or `v1.MINOR.PATCH`, with or without the `v`.
    Version,
}

impl LabelType {
    /// Its name, the `type` in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Boolean => "boolean",
            Self::Integer { .. } => "integer",
            Self::Choice(_) => "choice",
            Self::Network { .. } => "network",
            Self::Networks => "networks",
            Self::Version => "version",
        }
    }

    /// The allowed values, to follow "must be".
    #[must_use]
    pub fn allowed(self) -> String {
        match self {
            Self::Text => "any text".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Choice(words) => match words {
                [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
                _ => words.join(", "),
            },
            Self::Network { shortest, longest } => {
                format!("an IPv4 network with a prefix from {shortest} to {longest}, such as 10.20.0.0/16")
            }
            Self::Networks => "comma-separated networks, such as 192.0.2.0/24,198.51.100.0/24".to_owned(),
            Self::Version => "a Kubernetes version such as v1.37.2, or v1.37 for its newest patch".to_owned(),
        }
    }

    /// Whether a value is allowed.
    #[must_use]
    pub fn allows(self, value: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Boolean => boolean(value).is_some(),
            Self::Integer { min, max } => value.parse::<u32>().is_ok_and(|number| (min..=max).contains(&number)),
            Self::Choice(words) => words.contains(&value),
            Self::Network { shortest, longest } => {
                value.parse::<Ipv4Net>().is_ok_and(|net| (shortest..=longest).contains(&net.prefix_len()))
            }
            Self::Networks => value.split(',').all(|part| part.trim().parse::<IpNet>().is_ok()),
            Self::Version => value.parse::<kubernetes::Request>().is_ok(),
        }
    }
}

/// Parses a boolean in any of the spellings that Magnum accepts (contract magnum-v1 section 2.0).
#[must_use]
pub fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Some(true),
        "0" | "f" | "false" | "off" | "n" | "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_cannot_carry_a_path() {
        for good in ["v1.37.2", "1.37.2", "v1.37", "1.37"] {
            assert!(LabelType::Version.allows(good), "{good}");
        }
        for bad in ["../../etc", "v1.37.2-x", "v1..2", "v2.1.0", "v1.37.2/..", "v1.2000.1", "v1.037", ""] {
            assert!(!LabelType::Version.allows(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_allowed_is_what_is_said_to_be() {
        let choice = LabelType::Choice(&["host-gw", "vxlan", "udp"]);
        assert_eq!(choice.allowed(), "host-gw, vxlan or udp");
        assert!(choice.allows("udp") && !choice.allows("UDP") && !choice.allows(""));
        let integer = LabelType::Integer { min: 1, max: 28 };
        assert!(integer.allows("28"));
        for bad in ["0", "29", "-1", "1.5", "", " 3", "99999999999999999999"] {
            assert!(!integer.allows(bad), "{bad}");
        }
        let network = LabelType::Network { shortest: 8, longest: 24 };
        assert!(network.allows("10.20.0.0/16"));
        for bad in ["10.0.0.0/4", "10.0.0.0/25", "10.0.0.0", "::/16", "x"] {
            assert!(!network.allows(bad), "{bad}");
        }
        assert!(LabelType::Networks.allows("10.0.0.0/8, 2001:db8::/32"));
        assert!(!LabelType::Networks.allows("10.0.0.0/8,"));
        for yes in ["True", "true", "1", "on", "Yes"] {
            assert_eq!(boolean(yes), Some(true), "{yes}");
        }
        assert_eq!(boolean("ture"), None);
    }
}
