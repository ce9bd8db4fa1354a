//! Resources of an infrastructure that templates, clusters and node groups refer to: images, flavors, keypairs,
//! networks.

use jeroboam_model::kubernetes::Version;
use strum::Display;

/// The node image that `make image` builds, as templates name it.
pub const NODE_IMAGE: &str = "debian-13";

/// Kind of a resource that can be looked up by name or id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, strum::EnumIter)]
pub enum Kind {
    /// The image that machines boot from.
    #[strum(to_string = "image")]
    Image,
    /// Size of machines.
    #[strum(to_string = "flavor")]
    Flavor,
    /// SSH key for logins to machines.
    #[strum(to_string = "keypair")]
    Keypair,
    /// A network that leads outside.
    #[strum(to_string = "external network")]
    ExternalNetwork,
    /// A network for machines.
    #[strum(to_string = "network")]
    Network,
    /// A subnet of such a network.
    #[strum(to_string = "subnet")]
    Subnet,
}

/// Result of a look-up by name or id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Exactly one.
    One(Offer),
    /// Nothing. `advice` says what to do, for example which ones exist.
    Nothing {
        /// One sentence.
        advice: String,
    },
    /// Several have the name: an id is needed.
    Several,
    /// It exists, but the caller may not use it.
    Forbidden,
    /// The infrastructure has no resources of this kind. Any name is accepted and ignored, so that templates and
    /// clients that give one keep working.
    NotUsed,
}

/// Properties of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// Of an image: the operating system, Magnum's `os_distro`. `None`: not usable for nodes.
    pub distro: Option<String>,
    /// Of an image: the versions of Kubernetes that it contains, newest first; `None` when that is not known.
    pub kubernetes: Option<Vec<Carried<Version>>>,
    /// Of an image: the Docker Engine that it contains, for Swarm.
    pub docker: Option<Carried<String>>,
    /// Of an image: it was built for another release of Jeroboam; this release's agent does not find its programs in
    /// it.
    pub of_other_release: bool,
    /// Of a flavor: GiB of its root disk; `None` is no limit, 0 is no disk.
    pub root_disk: Option<u32>,
}

/// A version of an engine that an image contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried<V> {
    /// The version.
    pub version: V,
    /// Where its programs came from, for people: `release` (upstream's own), `modules` (built from its sources),
    /// `debian`.
    pub source: String,
}

/// An image for nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeImage {
    /// Its name, as templates give it.
    pub name: String,
    /// Its properties.
    pub offer: Offer,
}

impl Offer {
    /// The versions of Kubernetes without their sources.
    #[must_use]
    pub fn kubernetes_versions(&self) -> Option<Vec<Version>> {
        Some(self.kubernetes.as_ref()?.iter().map(|carried| carried.version).collect())
    }
}
