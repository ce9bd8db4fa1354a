//! Versions of Kubernetes that this release supports, and which one a request resolves to.
//!
//! A request (the label `kube_tag`) is a minor version or an exact one. It is resolved once, when the cluster is
//! created, and the result is stored with the cluster as its `engine_version`: a later release, or another image, does
//! not change an existing cluster (decision 17).

use std::fmt;
use std::str::FromStr;

use jeroboam_types::kubernetes::number;
pub use jeroboam_types::kubernetes::{NotAVersion, Version};
use jiff::civil::{Date, date};

use crate::labels::KUBE_TAG;
use crate::{Cause, CauseExt, Cluster, Code, EngineKind, FieldError, Labels};

/// A minor version of Kubernetes that this release supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// Its newest patch that this release was tested with.
    pub version: Version,
    /// End of upstream support.
    pub supported_until: Date,
}

const fn release(minor: u16, patch: u16, supported_until: Date) -> Release {
    Release { version: Version::new(minor, patch), supported_until }
}

/// All supported ones, newest first (<https://kubernetes.io/releases/>).
pub const RELEASES: [Release; 4] = [
    release(37, 2, date(2027, 10, 28)),
    release(36, 3, date(2027, 6, 28)),
    release(35, 4, date(2027, 2, 28)),
    release(34, 4, date(2026, 10, 27)),
];

/// The newest supported minor version.
pub const NEWEST_MINOR: u16 = RELEASES[0].version.minor;

/// The oldest supported one. Clusters of older versions can only be shown and deleted.
pub const OLDEST_MINOR: u16 = RELEASES[RELEASES.len() - 1].version.minor;

/// A value of `kube_tag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// `v1.36`: the newest patch in the image.
    Minor(u16),
    /// `v1.36.3`.
    Exact(Version),
}

impl Request {
    /// Why this release does not support the requested version; `None` when it does.
    #[must_use]
    pub fn refusal(self) -> Option<String> {
        match self {
            Self::Minor(minor) | Self::Exact(Version { minor, .. }) => unsupported(minor),
        }
    }

    /// Whether the version matches the request.
    #[must_use]
    pub fn admits(self, version: Version) -> bool {
        match self {
            Self::Minor(minor) => version.minor == minor,
            Self::Exact(exact) => version == exact,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minor(minor) => write!(f, "v1.{minor}"),
            Self::Exact(version) => version.fmt(f),
        }
    }
}

impl FromStr for Request {
    type Err = NotAVersion;

    /// With or without the `v`, with or without the patch.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let with_v = format!("v{}", text.strip_prefix('v').unwrap_or(text));
        match with_v.strip_prefix("v1.").and_then(number) {
            Some(minor) => Ok(Self::Minor(minor)),
            None => with_v.parse().map(Self::Exact),
        }
    }
}

/// The version that the labels request; `None` when they do not.
///
/// # Errors
/// Names the label: its value is not a version, or is one that this release does not support.
pub fn requested(labels: &Labels) -> Result<Option<Request>, FieldError> {
    let Some(text) = labels.get(KUBE_TAG) else { return Ok(None) };
    let refused = |message: String| FieldError::new(format!("labels.{KUBE_TAG}"), message);
    let request: Request = text.parse().map_err(|error: NotAVersion| refused(error.to_string()))?;
    match request.refusal() {
        Some(why) => Err(refused(why)),
        None => Ok(Some(request)),
    }
}

/// Why this release does not support a minor version; `None` when it does.
#[must_use]
pub fn unsupported(minor: u16) -> Option<String> {
    let made = format!("this release supports 1.{OLDEST_MINOR} to 1.{NEWEST_MINOR}");
    if minor < OLDEST_MINOR {
        Some(format!("Kubernetes 1.{minor} is too old: {made}"))
    } else if minor > NEWEST_MINOR {
        Some(format!("Kubernetes 1.{minor} is not known: {made}"))
    } else {
        None
    }
}

/// The version of a new cluster: the newest of those in its image that matches the request and that this release
/// supports. Where the versions of the image are not known, [`RELEASES`] are used. `None` when nothing matches.
#[must_use]
pub fn resolve(request: Option<Request>, carried: Option<&[Version]>) -> Option<Version> {
    let is_asked_for = |version: &Version| request.is_none_or(|request| request.admits(*version));
    let newest = |versions: &mut dyn Iterator<Item = Version>| {
        versions.filter(|version| unsupported(version.minor).is_none()).filter(is_asked_for).max()
    };
    match carried {
        Some(carried) => newest(&mut carried.iter().copied()),
        None => newest(&mut RELEASES.iter().map(|release| release.version)),
    }
}

/// End of upstream support of a version, where that is known.
#[must_use]
pub fn supported_until(version: Version) -> Option<Date> {
    RELEASES.iter().find(|release| release.version.minor == version.minor).map(|release| release.supported_until)
}

/// The versions among `there` to which a cluster can be upgraded, oldest first: newer patches, and those of the next
/// minor version. Upstream supports no larger step (<https://kubernetes.io/releases/version-skew-policy/>).
#[must_use]
pub fn upgrades(from: Version, there: &[Version]) -> Vec<Version> {
    let is_step = |to: &Version| *to > from && to.minor - from.minor <= 1;
    let mut steps: Vec<Version> = there.iter().copied().filter(is_step).collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}

/// Why a cluster can only be shown and deleted: this release does not support its version of Kubernetes any more.
/// `None` for all others.
#[must_use]
pub fn too_old(cluster: &Cluster) -> Option<Cause> {
    let version = cluster.engine_version.as_deref().filter(|_| cluster.engine == EngineKind::KUBERNETES)?;
    // A version that cannot be parsed was written by an older release.
    if version.parse::<Version>().is_ok_and(|version| version.since(OLDEST_MINOR)) {
        return None;
    }
    let name = &cluster.name;
    Some(Cause::user(
        Code::KubernetesTooOld,
        format!(
            "cluster {name} runs Kubernetes {version}, and this release runs 1.{OLDEST_MINOR} to 1.{NEWEST_MINOR} only"
        ),
        format!(
            "make a new cluster and move the workloads over: 'jeroboam bay config {name}' still gives access. Then \
             delete this one"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::ClusterTemplate;

    fn request(text: &str) -> Result<Option<Request>, FieldError> {
        requested(&Labels::from([(KUBE_TAG.to_owned(), text.to_owned())]))
    }

    fn versions(texts: &[&str]) -> Vec<Version> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_table_goes_from_new_to_old_without_a_gap() {
        for pair in RELEASES.windows(2) {
            assert_eq!(pair[0].version.minor, pair[1].version.minor + 1);
            assert!(pair[0].supported_until > pair[1].supported_until);
        }
        assert_eq!((OLDEST_MINOR, NEWEST_MINOR), (34, 37));
        assert_eq!(RELEASES[0].version.to_string(), crate::labels::DEFAULT_KUBERNETES_VERSION);
    }

    #[test]
    fn a_minor_or_an_exact_version_can_be_asked_for_with_and_without_v() {
        for (text, meant) in [
            ("v1.36", Request::Minor(36)),
            ("1.36", Request::Minor(36)),
            ("v1.36.3", Request::Exact(Version::new(36, 3))),
            ("1.36.3", Request::Exact(Version::new(36, 3))),
        ] {
            assert_eq!(request(text), Ok(Some(meant)), "{text}");
        }
        assert_eq!(requested(&Labels::new()), Ok(None));
        assert_eq!(Request::Minor(36).to_string(), "v1.36");
    }

    #[test]
    fn what_is_no_version_is_refused_by_name() {
        for bad in [
            "",
            "v",
            "1",
            "v1",
            "v1.",
            "vv1.36",
            "v1.36.",
            "v1.036",
            "v1.36.03",
            "1.36.3.1",
            "v2.36",
            "v1.36 ",
            " 1.36",
            "v1.36\n",
            "v1.99999999999999999999",
            "v1.36.99999",
            "v1.-36",
            "v1.36.3-rc.1",
            "v1.36.3/../../etc",
            "../../etc",
            "latest",
        ] {
            let error = request(bad).unwrap_err();
            assert_eq!(error.field, "labels.kube_tag", "{bad:?}");
            assert!(error.message.contains("looks like v1.37.2"), "{bad:?}: {error}");
        }
    }

    #[test]
    fn what_this_release_does_not_make_is_refused_with_what_it_makes() {
        for (text, words) in [
            ("v1.33", "Kubernetes 1.33 is too old: this release supports 1.34 to 1.37"),
            ("v1.20.2", "Kubernetes 1.20 is too old: this release supports 1.34 to 1.37"),
            ("1.38", "Kubernetes 1.38 is not known: this release supports 1.34 to 1.37"),
            ("v1.999.1", "Kubernetes 1.999 is not known: this release supports 1.34 to 1.37"),
        ] {
            assert_eq!(request(text).unwrap_err().message, words);
        }
    }

    #[test]
    fn the_newest_that_the_image_carries_is_taken() {
        let carried = versions(&["v1.36.1", "v1.37.2", "v1.36.3", "v1.33.9", "v1.38.0"]);
        let resolve = |text: Option<&str>, carried: Option<&[Version]>| {
            let request = text.map(|text| request(text).unwrap().unwrap());
            resolve(request, carried).map(|version| version.to_string())
        };
        for (asked, there) in [
            (None, Some("v1.37.2")),
            (Some("v1.36"), Some("v1.36.3")),
            (Some("1.36.1"), Some("v1.36.1")),
            (Some("v1.36.2"), None),
            (Some("v1.35"), None),
        ] {
            assert_eq!(resolve(asked, Some(&carried)).as_deref(), there, "{asked:?}");
        }
        // Versions that this release does not support are ignored.
        assert_eq!(resolve(None, Some(&versions(&["v1.33.9", "v1.38.0"]))), None);
        assert_eq!(resolve(None, Some(&[])), None);
        // The versions of the image are not known.
        for (asked, there) in
            [(None, Some("v1.37.2")), (Some("v1.34"), Some("v1.34.4")), (Some("v1.36.3"), Some("v1.36.3"))]
        {
            assert_eq!(resolve(asked, None).as_deref(), there, "{asked:?}");
        }
        assert_eq!(resolve(Some("v1.36.1"), None), None);
    }

    #[test]
    fn a_cluster_goes_one_minor_version_at_a_time() {
        let there = versions(&["v1.37.2", "v1.36.3", "v1.36.1", "v1.35.4", "v1.36.3"]);
        let steps = |from: &str| {
            let steps = upgrades(from.parse().unwrap(), &there);
            steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(steps("v1.35.4"), "v1.36.1 v1.36.3");
        assert_eq!(steps("v1.36.1"), "v1.36.3 v1.37.2");
        assert_eq!(steps("v1.37.2"), "");
    }

    #[test]
    fn clusters_of_old_versions_say_so_and_what_to_do() {
        let of = |engine: EngineKind, version: Option<&str>| {
            let template = ClusterTemplate::new(engine, "debian-13", "p", "u", Timestamp::UNIX_EPOCH);
            let cluster = Cluster::of(&template, "demo", "p", "u", Timestamp::UNIX_EPOCH);
            too_old(&Cluster { engine_version: version.map(str::to_owned), ..cluster })
        };
        for (engine, version) in [
            (EngineKind::KUBERNETES, Some("v1.37.2")),
            (EngineKind::KUBERNETES, Some("v1.34.0")),
            (EngineKind::SWARM, None),
            (EngineKind::SWARM, Some("v1.20.2")),
        ] {
            assert_eq!(of(engine, version), None, "{version:?}");
        }
        for version in ["v1.20.2", "v1.33.9", "v1.020.2"] {
            let cause = of(EngineKind::KUBERNETES, Some(version)).unwrap();
            assert_eq!((cause.code.as_str(), cause.retryable), ("kubernetes_too_old", false));
            assert!(cause.message.contains(version) && cause.message.contains("1.34 to 1.37"), "{}", cause.message);
            assert!(cause.action.contains("jeroboam bay config demo") && cause.action.contains("delete"));
        }
    }
}
