//! What templates, clusters and node groups name at an infrastructure: images, flavors, keypairs, networks.

use jeroboam_model::kubernetes::Version;
use strum::Display;

/// The node image that `make image` makes, as templates name it.
pub const NODE_IMAGE: &str = "debian-13";

/// What can be looked up by name or id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, strum::EnumIter)]
pub enum Kind {
    /// What machines start from.
    #[strum(to_string = "image")]
    Image,
    /// How large machines are.
    #[strum(to_string = "flavor")]
    Flavor,
    /// Who may log in to machines.
    #[strum(to_string = "keypair")]
    Keypair,
    /// A network to the outside.
    #[strum(to_string = "external network")]
    ExternalNetwork,
    /// A network that machines are put on.
    #[strum(to_string = "network")]
    Network,
    /// Addresses on such a network.
    #[strum(to_string = "subnet")]
    Subnet,
}

/// What there is under a name or id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Exactly one.
    One(Offer),
    /// Nothing. `advice` says what to do, for example what there is instead.
    Nothing {
        /// One sentence.
        advice: String,
    },
    /// Several have the name: only an id tells them apart.
    Several,
    /// It is there, and not for everybody.
    Forbidden,
    /// The infrastructure has no such things. Any name will do and none does anything, so that templates and clients
    /// that give one keep working.
    NotUsed,
}

/// What is known of what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// Of an image: the operating system, Magnum's `os_distro`. None: machines cannot be made of it.
    pub distro: Option<String>,
    /// Of an image: the versions of Kubernetes that it carries, newest first; `None` when that is not known.
    pub kubernetes: Option<Vec<Carried<Version>>>,
    /// Of an image: the Docker Engine that it carries, for Swarm.
    pub docker: Option<Carried<String>>,
    /// Of an image: it was made for another release of Jeroboam; this one's agent does not find its programs in it.
    pub of_other_release: bool,
    /// Of a flavor: GiB of its root disk; `None` is no limit, 0 is no disk.
    pub root_disk: Option<u32>,
}

/// A version of an engine that an image carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried<V> {
    /// Which one.
    pub version: V,
    /// Where its programs came from, for people: `release` (upstream's own), `modules` (built of its sources), `debian`.
    pub source: String,
}

/// An image that nodes can be made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeImage {
    /// Its name, as templates give it.
    pub name: String,
    /// What is known of it.
    pub offer: Offer,
}

impl Offer {
    /// The versions of Kubernetes alone.
    #[must_use]
    pub fn kubernetes_versions(&self) -> Option<Vec<Version>> {
        Some(self.kubernetes.as_ref()?.iter().map(|carried| carried.version).collect())
    }
}
