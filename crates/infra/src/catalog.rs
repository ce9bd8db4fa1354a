//! What templates, clusters and node groups name at an infrastructure: images, flavors, keypairs, networks.

use strum::Display;

/// What can be looked up by name or id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display)]
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
    /// Of an image: the versions of Kubernetes that it carries; none when that is not known.
    pub kubernetes: Vec<String>,
    /// Of a flavor: GiB of its root disk; `None` is no limit, 0 is no disk.
    pub root_disk: Option<u32>,
}
