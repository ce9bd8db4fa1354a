//! Engine versions that clusters can run. An extension; not in Magnum.

use serde::{Deserialize, Serialize};

/// A version of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EngineVersion {
    /// `kubernetes` or `swarm`.
    pub engine: String,
    /// Kubernetes version, such as `v1.37.2`; for Swarm the version of the Docker Engine, such as `26.1.5`.
    pub version: String,
    /// Whether clusters can be created with it now: at least one image contains it.
    pub available: bool,
    /// Whether it is the default for clusters, if their image contains it.
    pub default: bool,
    /// The images that contain it.
    pub images: Vec<EngineVersionImage>,
    /// End of upstream support, if known: `2027-10-28`.
    pub supported_until: Option<String>,
    /// Whether it is still supported upstream.
    pub supported: Option<bool>,
    /// Available versions to which a cluster could be upgraded in one step, oldest first.
    pub upgrades: Vec<String>,
    /// Whether such upgrades are offered. Not yet: create a new cluster instead.
    pub upgrades_offered: bool,
}

/// An image that contains a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EngineVersionImage {
    /// Name of the image, as used in templates.
    pub name: String,
    /// Origin of the version's programs: `release` (official upstream release, verified), `modules` (built from
    /// upstream sources), `debian`.
    pub source: String,
}

/// Body of `GET /v1/engineversions`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EngineVersionList {
    /// All versions, by engine, newest first.
    pub engineversions: Vec<EngineVersion>,
}
