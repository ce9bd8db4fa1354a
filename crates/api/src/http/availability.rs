//! Which routes exist in which microversions (contract magnum-v1 section 1.4): the only place that decides this.
//! Checked before anything else of a request is read.

use http::StatusCode;

use super::{ApiError, ApiReason, Result, Version};

/// The microversions that have a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Availability {
    /// In all microversions.
    Always,
    /// From this one on; with the operation's name for messages.
    Since(Version, &'static str),
    /// Up to this one.
    Until(Version),
}

impl Availability {
    /// Determines it from the path, which starts with `/v1/`.
    fn of(path: &str) -> Self {
        match path.trim_start_matches("/v1/").split('/').collect::<Vec<_>>()[..] {
            ["bays" | "baymodels", ..] => Self::Until(Version::BAYS),
            // Magnum removed them before bays, but no later client requests them.
            ["nodes" | "x509keypairs", ..] => Self::Until(Version::BAYS),
            ["clusters", _, "actions", "resize"] => Self::Since(Version::RESIZE, "resize"),
            // In 1.7 it exists and always refuses.
            ["clusters", _, "actions", "upgrade"] => Self::Since(Version::RESIZE, "upgrade"),
            ["clusters", _, "nodegroups", ..] => Self::Since(Version::NODE_GROUPS, "nodegroups"),
            ["credentials", ..] => Self::Since(Version::CREDENTIALS, "credentials"),
            _ => Self::Always,
        }
    }
}

/// Refuses a path that the microversion does not have.
///
/// # Errors
/// 406 naming version and operation for what was added later; 404, as for any path that does not exist, for what was
/// removed earlier.
pub(super) fn check(path: &str, version: Version) -> Result<()> {
    match Availability::of(path) {
        Availability::Until(last) if version > last => Err(ApiError::no_route()),
        Availability::Since(first, operation) => at_least(version, first, operation),
        Availability::Always | Availability::Until(_) => Ok(()),
    }
}

/// Refuses an operation in microversions before `first`.
///
/// # Errors
/// 406 naming version and operation.
pub(crate) fn at_least(version: Version, first: Version, operation: &str) -> Result<()> {
    if version >= first {
        return Ok(());
    }
    Err(ApiError::router(
        StatusCode::NOT_ACCEPTABLE,
        ApiReason::MicroversionTooOld,
        format!(
            "Version {version} does not have the operation {operation}. Ask for {first} or later with the header \
             'OpenStack-API-Version: container-infra {first}'."
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_come_and_go_with_microversions() {
        for (path, first, last) in [
            ("/v1/clusters", 1, 14),
            ("/v1/clusters/bays", 1, 14),
            ("/v1/bays", 1, 10),
            ("/v1/baymodels/x", 1, 10),
            ("/v1/nodes/detail", 1, 10),
            ("/v1/x509keypairs/x", 1, 10),
            ("/v1/clusters/c/actions/resize", 7, 14),
            ("/v1/clusters/c/actions/upgrade", 7, 14),
            ("/v1/clusters/c/actions/retry", 1, 14),
            ("/v1/clusters/c/nodegroups", 9, 14),
            ("/v1/clusters/c/nodegroups/g", 9, 14),
            ("/v1/credentials/c", 12, 14),
        ] {
            let there: Vec<u16> = (1..=14).filter(|minor| check(path, Version(*minor)).is_ok()).collect();
            assert_eq!(there, (first..=last).collect::<Vec<_>>(), "{path}");
        }
        assert_eq!(check("/v1/bays", Version(11)).unwrap_err().status, StatusCode::NOT_FOUND);
        let early = check("/v1/clusters/c/nodegroups", Version(8)).unwrap_err();
        assert_eq!(early.status, StatusCode::NOT_ACCEPTABLE);
        assert!(early.detail.contains("1.8") && early.detail.contains("nodegroups"), "{}", early.detail);
    }
}
