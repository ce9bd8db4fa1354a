//! Versions of engines: what there is to make clusters of. Ours; Magnum has no such route.

use serde::{Deserialize, Serialize};

/// A version of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EngineVersion {
    /// `kubernetes` or `swarm`.
    pub engine: String,
    /// `v1.37.2` of Kubernetes; of Swarm that of the Docker Engine, `26.1.5`.
    pub version: String,
    /// Whether clusters can be made of it now: some image carries it.
    pub available: bool,
    /// Whether it is what a cluster gets that asks for none, where its image carries it.
    pub default: bool,
    /// The images that carry it.
    pub images: Vec<EngineVersionImage>,
    /// The day on which upstream stops fixing it, where that is known: `2027-10-28`.
    pub supported_until: Option<String>,
    /// Whether that day is still to come.
    pub supported: Option<bool>,
    /// Those of the other available versions to which a cluster could go from it in one step, oldest first.
    pub upgrades: Vec<String>,
    /// Whether clusters can be upgraded to them. Not yet: a new cluster has to be made.
    pub upgrades_offered: bool,
}

/// An image that carries a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EngineVersionImage {
    /// Its name, as templates give it.
    pub name: String,
    /// Where the version's programs came from: `release` (upstream's own, checked), `modules` (built of upstream's
    /// sources), `debian`.
    pub source: String,
}

/// Body of `GET /v1/engineversions`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EngineVersionList {
    /// Items: by engine, newest first.
    pub engineversions: Vec<EngineVersion>,
}
