//! Container orchestration engines (COE), each described by its [`Descriptor`].
//!
//! A new engine is a module like [`kubernetes`] and [`swarm`] that registers a descriptor; the program that creates its
//! clusters passes the engine's driver to the conductor. Everything that depends on the engine and is known without
//! asking one is in the descriptor, so that no other code distinguishes engines (decision 27).

mod kubernetes;
mod swarm;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::ops::{Deref, RangeInclusive};
use std::str::FromStr;

use ipnet::Ipv4Net;
use jeroboam_types::agent::EngineAssignment;

use crate::assignment::Source;
use crate::{FieldError, Labels, Node};

/// Static properties of an engine.
#[derive(Debug)]
pub struct Descriptor {
    /// Its name on the wire (`coe`), in the database and in messages.
    pub name: &'static str,
    /// Other names that clients may use.
    pub aliases: &'static [&'static str],
    /// Name of its API for people.
    pub api: &'static str,
    /// The certificate authorities of its clusters, by the names of their secrets. The first one is the cluster's CA
    /// for clients.
    pub authorities: &'static [&'static str],
    /// The other key pairs of its clusters, by the names of their secrets.
    pub keys: &'static [&'static str],
    /// Default port of its API.
    pub api_port: u16,
    /// Other ports in use on masters, with what uses them.
    pub master_ports: &'static [(RangeInclusive<u16>, &'static str)],
    /// Its network drivers.
    pub network_driver: Driver,
    /// Its volume driver in Magnum.
    pub volume_driver: &'static str,
    /// Whether a cluster has a version of its own, out of several in the image. Otherwise the version is the image's.
    pub is_versioned: bool,
    /// Whether its nodes get the labels and taints of their groups.
    pub marks_nodes: bool,
    /// Checks that the labels of a template or cluster fit together. The second argument are the labels accepted
    /// before.
    pub check_labels: fn(&Labels, &Labels) -> Result<(), FieldError>,
    /// Checks that the networks in the labels do not overlap the given networks of nodes.
    pub check_networks: fn(&Labels, &[Ipv4Net]) -> Result<(), FieldError>,
    /// The engine's part of the assignment of a node with this address. `None` while something is not known yet.
    pub assign: fn(&Source<'_>, &Node, IpAddr) -> Result<Option<EngineAssignment>, FieldError>,
}

/// A driver that is offered, and another one of Magnum that is not.
#[derive(Debug)]
pub struct Driver {
    /// The one that clusters use.
    pub offered: &'static str,
    /// Known, but refused as not offered.
    pub known: &'static str,
}

/// A registered engine. Compared by its name.
#[derive(Clone, Copy)]
pub struct EngineKind(&'static Descriptor);

/// An entry of the registry of engines.
pub struct Registration(&'static Descriptor);

inventory::collect!(Registration);

impl Registration {
    /// For the engine's module: `inventory::submit! { Registration::of(&DESCRIPTOR) }`.
    #[must_use]
    pub const fn of(descriptor: &'static Descriptor) -> Self {
        Self(descriptor)
    }
}

impl EngineKind {
    /// Kubernetes.
    pub const KUBERNETES: Self = Self(&kubernetes::DESCRIPTOR);
    /// Docker Engines in swarm mode.
    pub const SWARM: Self = Self(&swarm::DESCRIPTOR);

    /// All engines, by name.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = inventory::iter::<Registration>().map(|registered| Self(registered.0)).collect();
        all.sort_unstable();
        all
    }

    /// Their names for a message: `kubernetes or swarm`.
    #[must_use]
    pub fn choices() -> String {
        let names: Vec<&str> = Self::all().iter().map(|engine| engine.0.name).collect();
        match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }

    /// The authorities and key pairs of a cluster, by the names of their secrets.
    pub fn secrets(self) -> impl Iterator<Item = &'static str> {
        self.0.authorities.iter().chain(self.0.keys).copied()
    }
}

impl Deref for EngineKind {
    type Target = Descriptor;

    fn deref(&self) -> &Descriptor {
        self.0
    }
}

impl FromStr for EngineKind {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        let is_called = |engine: &Self| engine.0.name == name || engine.0.aliases.contains(&name);
        Self::all().into_iter().find(is_called).ok_or(UnknownEngine)
    }
}

/// No engine of that name is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no engine of this name is known")]
pub struct UnknownEngine;

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.name)
    }
}

impl fmt::Debug for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl PartialEq for EngineKind {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for EngineKind {}

impl PartialOrd for EngineKind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EngineKind {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.name.cmp(other.0.name)
    }
}

impl Hash for EngineKind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn engines_are_found_by_their_names_and_no_name_is_there_twice() {
        assert_eq!(EngineKind::all(), [EngineKind::KUBERNETES, EngineKind::SWARM]);
        assert_eq!(EngineKind::choices(), "kubernetes or swarm");
        let mut names = BTreeSet::new();
        for engine in EngineKind::all() {
            for name in [&[engine.name], engine.aliases].concat() {
                assert!(names.insert(name), "{name} is there twice");
                assert_eq!(name.parse(), Ok(engine));
            }
        }
        assert_eq!("Kubernetes".parse::<EngineKind>(), Err(UnknownEngine));
    }

    #[test]
    fn secrets_are_authorities_and_keys() {
        let secrets: Vec<&str> = EngineKind::KUBERNETES.secrets().collect();
        assert_eq!(secrets, ["kubernetes", "etcd", "front-proxy", "service-account"]);
        assert_eq!(EngineKind::SWARM.secrets().collect::<Vec<_>>(), ["kubernetes"]);
    }
}
