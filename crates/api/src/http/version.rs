//! Microversions (contract magnum-v1 sections 1.3 and 1.4, workloads-2015 section 0.3).

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::ApiReason;
use super::error::{ApiError, Shape};

/// Today's header.
const HEADER: &str = "openstack-api-version";
/// The header of 2015.
const OLD_HEADER: &str = "x-openstack-magnum-api-version";
/// Names that clients may give the service; responses carry the last.
const SERVICES: [&str; 3] = ["container-infra", "container-infrastructure", "container-infrastructure-management"];

/// What today's header must contain.
const WANTED: &str = "a service and a version, for example 'container-infra 1.14'";

/// A microversion, 1.x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u16);

impl Version {
    /// The oldest, and the default for clients that request none.
    pub(crate) const MIN: Self = Self(1);
    /// The newest.
    pub(crate) const MAX: Self = Self(14);
    /// Bays: writes return before the work is done.
    pub(crate) const ASYNC_BAYS: Self = Self(2);
    /// `rollback` on updates.
    pub(crate) const ROLLBACK: Self = Self(3);
    /// The action `resize`.
    pub(crate) const RESIZE: Self = Self(7);
    /// The action `upgrade`.
    pub(crate) const UPGRADE: Self = Self(8);
    /// Node groups.
    pub(crate) const NODE_GROUPS: Self = Self(9);
    /// Node groups of size zero.
    pub(crate) const ZERO_SIZE: Self = Self(10);
    /// The last one with bays and baymodels.
    pub(crate) const BAYS: Self = Self(10);
    /// Rotation of credentials.
    pub(crate) const CREDENTIALS: Self = Self(12);

    /// Whether this version has bays and baymodels.
    pub(crate) fn has_bays(self) -> bool {
        self <= Self::BAYS
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

/// The version that the request's headers ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The version that handlers see; an error when it is not supported.
    pub(crate) version: Result<Version, ApiError>,
    /// The version for the response's header; `None` when the request's could not be read.
    echo: Option<String>,
    /// Whether the response carries the headers of 2015: clients from then send those or none.
    old: bool,
}

/// Reads the request's headers.
pub(crate) fn read(headers: &HeaderMap) -> Asked {
    // Several lines are one list (RFC 9110 section 5.2); a list of several services is not supported.
    let text = |name: &str| {
        let lines = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default().trim());
        let text = lines.collect::<Vec<_>>().join(", ");
        headers.contains_key(name).then_some(text)
    };
    if let Some(text) = text(HEADER) {
        return read_new(&text);
    }
    let Some(text) = text(OLD_HEADER) else { return supported(Version::MIN, true) };
    if text.eq_ignore_ascii_case("latest") || text == "1.1" {
        return supported(Version::MIN, true);
    }
    match number(&text) {
        Some((major, minor)) => Asked { old: true, ..unsupported(&format!("{major}.{minor}"), Version::MIN) },
        None => malformed(OLD_HEADER, &text, "1.1 or latest"),
    }
}

fn read_new(text: &str) -> Asked {
    let mut words = text.split_whitespace();
    let (Some(service), Some(version), None) = (words.next(), words.next(), words.next()) else {
        return malformed(HEADER, text, WANTED);
    };
    if version.eq_ignore_ascii_case("latest") && SERVICES.contains(&service) {
        return supported(Version::MAX, false);
    }
    match number(version) {
        Some(_) if !SERVICES.contains(&service) => malformed(HEADER, text, WANTED),
        Some((major, minor)) => match minor.parse() {
            Ok(minor) if major == "1" && (Version::MIN.0..=Version::MAX.0).contains(&minor) => {
                supported(Version(minor), false)
            }
            _ => unsupported(&format!("{major}.{minor}"), Version::MAX),
        },
        None => malformed(HEADER, text, WANTED),
    }
}

/// `INT.INT`; leading zeros are ignored. Numbers may have any size, so they stay strings.
fn number(text: &str) -> Option<(&str, &str)> {
    let (major, minor) = text.split_once('.')?;
    Some((digits(major)?, digits(minor)?))
}

fn digits(text: &str) -> Option<&str> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let significant = text.trim_start_matches('0');
    Some(if significant.is_empty() { "0" } else { significant })
}

fn supported(version: Version, old: bool) -> Asked {
    Asked { version: Ok(version), echo: Some(version.to_string()), old }
}

/// `newest` is the newest version that can be requested with the header that was used.
fn unsupported(asked: &str, newest: Version) -> Asked {
    let range = if newest == Version::MIN { newest.to_string() } else { format!("{} to {newest}", Version::MIN) };
    let detail = format!("Version {asked} is not supported. Supported is {range}.");
    let error = ApiError {
        shape: Shape::Version(newest),
        ..ApiError::new(StatusCode::NOT_ACCEPTABLE, ApiReason::MicroversionUnsupported, detail)
    };
    Asked { version: Err(error), echo: Some(asked.to_owned()), old: false }
}

fn malformed(header: &str, text: &str, wanted: &str) -> Asked {
    let detail = format!("The header {header} says '{text}'. It must be {wanted}.");
    let error = ApiError::router(StatusCode::NOT_ACCEPTABLE, ApiReason::MicroversionMalformed, detail);
    Asked { version: Err(error), echo: None, old: false }
}

impl Asked {
    /// Adds the version headers to a response.
    pub(crate) fn answer(&self, headers: &mut HeaderMap) {
        let Some(echo) = &self.echo else { return };
        let service = SERVICES[SERVICES.len() - 1];
        let mut put = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        put("openstack-api-minimum-version", format!("{service} {}", Version::MIN));
        put("openstack-api-maximum-version", format!("{service} {}", Version::MAX));
        put(HEADER, format!("{service} {echo}"));
        if self.old {
            put("x-openstack-magnum-api-minimum-version", Version::MIN.to_string());
            put("x-openstack-magnum-api-maximum-version", Version::MIN.to_string());
            put(OLD_HEADER, echo.clone());
        }
        headers.append(http::header::VARY, HeaderValue::from_static("OpenStack-API-Version"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(header: &'static str, value: &str) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(header, HeaderValue::from_str(value).unwrap());
        read(&headers)
    }

    #[test]
    fn versions_are_negotiated_as_the_contract_says() {
        assert_eq!(read(&HeaderMap::new()).version, Ok(Version(1)));
        for (value, expected) in [
            ("container-infra 1.9", 9),
            ("container-infrastructure 1.05", 5),
            ("container-infrastructure-management LATEST", 14),
            ("container-infra  1.14 ", 14),
        ] {
            assert_eq!(ask(HEADER, value).version, Ok(Version(expected)), "{value}");
        }
        for value in [
            "1.9",
            "compute 1.9",
            "container-infra",
            "container-infra 1",
            "container-infra 1.x",
            "container-infra 1.",
            "a b c",
        ] {
            let asked = ask(HEADER, value);
            assert_eq!((asked.version.unwrap_err().shape, asked.echo), (Shape::Router, None), "{value}");
        }
        for (value, echo) in [
            ("container-infra 2.1", "2.1"),
            ("container-infra 1.00", "1.0"),
            ("container-infra 1.015", "1.15"),
            ("container-infra 1.70000", "1.70000"),
        ] {
            let asked = ask(HEADER, value);
            assert_eq!(asked.version.clone().unwrap_err().shape, Shape::Version(Version::MAX), "{value}");
            let mut headers = HeaderMap::new();
            asked.answer(&mut headers);
            assert_eq!(headers[HEADER], format!("container-infrastructure-management {echo}"));
        }
    }

    #[test]
    fn clients_of_2015_get_the_headers_of_2015() {
        for asked in [ask(OLD_HEADER, "latest"), ask(OLD_HEADER, "1.1"), read(&HeaderMap::new())] {
            assert_eq!(asked.version, Ok(Version(1)));
            let mut headers = HeaderMap::new();
            asked.answer(&mut headers);
            assert_eq!(headers[OLD_HEADER], "1.1");
            assert_eq!(headers[HEADER], "container-infrastructure-management 1.1");
        }
        assert!(ask(OLD_HEADER, "1.2").version.is_err());
        assert!(ask(OLD_HEADER, "x").echo.is_none());
    }
}
