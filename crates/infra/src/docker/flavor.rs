//! Sizes of containers.

use bollard::models::HostConfig;
use jeroboam_model::{Cause, CauseExt, Code};

use super::engine::Facts;
use crate::flavor::{self, Flavor};

const BYTES_PER_MIB: i64 = 1 << 20;
const NANO_PER_CPU: i64 = 1_000_000_000;

/// The flavor of this name. The error lists the existing ones.
pub(super) fn find<'a>(flavors: &'a [Flavor], name: &str) -> Result<&'a Flavor, Cause> {
    flavors.iter().find(|flavor| flavor.name == name).ok_or_else(|| {
        Cause::user(Code::FlavorUnknown, format!("There is no flavor {name:?}."), flavor::advice(flavors))
    })
}

/// Limits the container to the flavor's size, where the engine's machine is larger: the engine refuses more processors
/// than it has, and a memory limit above its memory has no effect.
pub(super) fn limit(host: &mut HostConfig, flavor: &Flavor, facts: &Facts) {
    if i64::from(flavor.cpus) < facts.cpus {
        host.nano_cpus = Some(i64::from(flavor.cpus) * NANO_PER_CPU);
    }
    let memory = i64::from(flavor.memory_mib) * BYTES_PER_MIB;
    if memory < facts.memory {
        host.memory = Some(memory);
        // Memory plus swap: by default the engine would allow the same amount of swap in addition.
        host.memory_swap = Some(memory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(name: &str, cpus: i64, memory_mib: i64) -> (Option<i64>, Option<i64>) {
        let mut host = HostConfig::default();
        let facts = Facts { cpus, memory: memory_mib * BYTES_PER_MIB, ..Facts::default() };
        limit(&mut host, find(&flavor::usual(), name).unwrap(), &facts);
        assert_eq!(host.memory, host.memory_swap, "no swap on top");
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
        let cause = find(&flavor::usual(), "huge").unwrap_err();
        assert_eq!(cause.code, "flavor_unknown");
        assert!(cause.action.contains("m1.tiny, m1.small, m1.medium"), "{}", cause.action);
    }
}
