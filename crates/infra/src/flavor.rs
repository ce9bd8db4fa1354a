//! Flavors: sizes of machines. The default names and sizes are those of a typical OpenStack cloud.

use std::str::FromStr;

use jeroboam_model::validate::MAX_TEXT;
use serde::Deserialize;
use thiserror::Error;

/// Smallest memory in MiB: with less not even the agent runs.
pub const MIN_MEMORY_MIB: u32 = 64;
/// Most processors: more than any machine has.
const MAX_CPUS: u32 = 4096;

/// A size of machines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Flavor {
    /// Name, as templates use it.
    pub name: String,
    /// Number of processors.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
}

/// The text is not a valid flavor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{text}' is not a flavor: {why}. Give NAME=PROCESSORS:MIB such as m1.small=1:2048")]
pub struct NotAFlavor {
    text: String,
    why: String,
}

/// The default flavors, by size.
#[must_use]
pub fn usual() -> Vec<Flavor> {
    [("m1.tiny", 1, 1), ("m1.small", 1, 2), ("m1.medium", 2, 4), ("m1.large", 4, 8), ("m1.xlarge", 8, 16)]
        .into_iter()
        .map(|(name, cpus, gib)| Flavor { name: name.to_owned(), cpus, memory_mib: gib * 1024 })
        .collect()
}

/// Advice for a flavor that is not among these.
#[must_use]
pub fn advice(flavors: &[Flavor]) -> String {
    let known: Vec<&str> = flavors.iter().map(|flavor| flavor.name.as_str()).collect();
    format!("Use one of {}, or none for machines without limits.", known.join(", "))
}

impl FromStr for Flavor {
    type Err = NotAFlavor;

    /// Parses `NAME=PROCESSORS:MIB`.
    fn from_str(text: &str) -> Result<Self, NotAFlavor> {
        let bad = |why: &str| NotAFlavor { text: text.to_owned(), why: why.to_owned() };
        let (name, size) = text.split_once('=').ok_or_else(|| bad("it has no '='"))?;
        let (cpus, memory) = size.split_once(':').ok_or_else(|| bad("it has no ':' after the processors"))?;
        if name.is_empty() || name.chars().count() > MAX_TEXT {
            return Err(bad("its name is empty or too long"));
        }
        let cpus = cpus.parse().ok().filter(|cpus| (1..=MAX_CPUS).contains(cpus));
        let memory_mib = memory.parse().ok().filter(|mib| *mib >= MIN_MEMORY_MIB);
        match (cpus, memory_mib) {
            (None, _) => Err(bad(&format!("its processors are not a number from 1 to {MAX_CPUS}"))),
            (_, None) => Err(bad(&format!("its memory is not a number of MiB from {MIN_MEMORY_MIB}"))),
            (Some(cpus), Some(memory_mib)) => Ok(Self { name: name.to_owned(), cpus, memory_mib }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavors_are_read_from_texts() {
        let flavor: Flavor = "m1.small=1:2048".parse().unwrap();
        assert_eq!(flavor, Flavor { name: "m1.small".into(), cpus: 1, memory_mib: 2048 });
        assert!(usual().contains(&flavor));
        for bad in ["", "m1.small", "m1.small=", "m1=1", "m1=0:2048", "m1=1:63", "m1=a:b", "=1:2048", "m1=1:2048:3"] {
            let said = bad.parse::<Flavor>().unwrap_err().to_string();
            assert!(said.contains("NAME=PROCESSORS:MIB"), "{said}");
        }
    }

    #[test]
    fn advice_names_what_there_is() {
        assert!(advice(&usual()).starts_with("Use one of m1.tiny, m1.small, m1.medium,"));
    }
}
