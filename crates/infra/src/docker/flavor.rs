//! Flavors: how large the containers are. The names and sizes are those that an OpenStack cloud usually has.

use bollard::models::HostConfig;
use jeroboam_model::{Cause, CauseExt};

use super::engine::Facts;

/// A size of machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flavor {
    /// Name, as templates use it.
    pub name: &'static str,
    /// Processors.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
}

/// All there are, by size.
pub const FLAVORS: [Flavor; 5] = [
    Flavor { name: "m1.tiny", cpus: 1, memory_mib: 1024 },
    Flavor { name: "m1.small", cpus: 1, memory_mib: 2048 },
    Flavor { name: "m1.medium", cpus: 2, memory_mib: 4096 },
    Flavor { name: "m1.large", cpus: 4, memory_mib: 8192 },
    Flavor { name: "m1.xlarge", cpus: 8, memory_mib: 16384 },
];

const BYTES_PER_MIB: i64 = 1 << 20;
const NANO_PER_CPU: i64 = 1_000_000_000;

/// The flavor of this name. The error names those there are.
pub fn find(name: &str) -> Result<Flavor, Cause> {
    FLAVORS.into_iter().find(|flavor| flavor.name == name).ok_or_else(|| {
        let known: Vec<&str> = FLAVORS.iter().map(|flavor| flavor.name).collect();
        Cause::user(
            "flavor_unknown",
            format!("There is no flavor {name:?}."),
            format!("Use one of {}, or none for machines without limits.", known.join(", ")),
        )
    })
}

impl Flavor {
    /// Limits the container to this size, as far as the engine's machine is larger: it has no more to give than it
    /// has, refuses more processors than that, and a memory limit above its memory would limit nothing.
    pub(super) fn limit(self, host: &mut HostConfig, facts: &Facts) {
        if i64::from(self.cpus) < facts.cpus {
            host.nano_cpus = Some(i64::from(self.cpus) * NANO_PER_CPU);
        }
        let memory = i64::from(self.memory_mib) * BYTES_PER_MIB;
        if memory < facts.memory {
            host.memory = Some(memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(name: &str, cpus: i64, memory_mib: i64) -> (Option<i64>, Option<i64>) {
        let mut host = HostConfig::default();
        let facts = Facts { cpus, memory: memory_mib * BYTES_PER_MIB, ..Facts::default() };
        find(name).unwrap().limit(&mut host, &facts);
        (host.nano_cpus, host.memory)
    }

    #[test]
    fn a_flavor_limits_processors_and_memory() {
        assert_eq!(limits("m1.small", 8, 65536), (Some(1_000_000_000), Some(2 << 30)));
        assert_eq!(limits("m1.large", 8, 65536), (Some(4_000_000_000), Some(8 << 30)));
    }

    #[test]
    fn a_flavor_larger_than_the_engines_machine_limits_nothing() {
        assert_eq!(limits("m1.large", 2, 4096), (None, None));
        assert_eq!(limits("m1.medium", 2, 24576), (None, Some(4 << 30)));
    }

    #[test]
    fn an_unknown_flavor_is_an_error_that_names_the_known_ones() {
        let cause = find("huge").unwrap_err();
        assert_eq!(cause.code, "flavor_unknown");
        assert!(cause.action.contains("m1.tiny, m1.small, m1.medium"), "{}", cause.action);
    }
}
