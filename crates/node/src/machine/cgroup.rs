//! Control groups (cgroups): the version on the machine, and setting them up in a node that is a container itself.

use std::io;
use std::path::Path;

const ROOT: &str = "/sys/fs/cgroup";

/// Version of cgroups: 1 or 2; 0 when there are none.
pub fn version() -> u8 {
    match (Path::new(ROOT).join("cgroup.controllers").exists(), Path::new(ROOT).exists()) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    }
}

/// The part of the machine that this node may not use, although the kernel reports it: a flavor is a limit on the
/// cgroup of the node's container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Withheld {
    /// Processors, in thousandths.
    pub cpu_milli: u64,
    /// Memory, in bytes.
    pub memory: u64,
}

/// Reads the limits. A limit that cannot be read counts as none.
pub fn withheld() -> Withheld {
    let read = |path: &str| std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_default();
    let (cpu, memory) = match version() {
        2 => (read("cpu.max"), read("memory.max")),
        _ => {
            let quota = format!("{} {}", read("cpu/cpu.cfs_quota_us").trim(), read("cpu/cpu.cfs_period_us").trim());
            (quota, read("memory/memory.limit_in_bytes"))
        }
    };
    let table = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    Withheld {
        cpu_milli: beyond(cpu_limit(&cpu), processors(&table("/proc/cpuinfo")).saturating_mul(1000)),
        memory: beyond(memory.trim().parse().ok(), total_memory(&table("/proc/meminfo"))),
    }
}

/// The amount above a limit.
fn beyond(limit: Option<u64>, there: u64) -> u64 {
    limit.map_or(0, |limit| there.saturating_sub(limit))
}

/// Limit in thousandths of processors, from quota and period. Without a limit the quota is `max` or -1.
fn cpu_limit(text: &str) -> Option<u64> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    quota.saturating_mul(1000).checked_div(period)
}

fn processors(cpuinfo: &str) -> u64 {
    cpuinfo.lines().filter(|line| line.starts_with("processor")).map(|_| 1).sum()
}

/// Total memory, in bytes.
fn total_memory(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or_default().saturating_mul(1024)
}

/// Delegates controllers to the cgroups of containers. On cgroup v2 a group with processes of its own cannot do that:
/// all processes of the node are moved into a leaf first. Not needed on cgroup v1.
pub fn make_room() -> io::Result<()> {
    if version() != 2 {
        return Ok(());
    }
    let root = Path::new(ROOT);
    let leaf = root.join("jeroboam");
    std::fs::create_dir_all(&leaf)?;
    for process in std::fs::read_to_string(root.join("cgroup.procs"))?.lines() {
        // Kernel processes and those that have just exited cannot be moved, which is fine.
        let _ = std::fs::write(leaf.join("cgroup.procs"), process);
    }
    let controllers = std::fs::read_to_string(root.join("cgroup.controllers"))?;
    for controller in controllers.split_whitespace() {
        std::fs::write(root.join("cgroup.subtree_control"), format!("+{controller}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_both_versions_are_read() {
        assert_eq!(cpu_limit("150000 100000\n"), Some(1500));
        for none in ["max 100000\n", "-1 100000", "", " ", "1 0"] {
            assert_eq!(cpu_limit(none), None, "{none:?}");
        }
        assert_eq!(processors("processor\t: 0\nmodel name\t: x\n\nprocessor\t: 1\n"), 2);
        assert_eq!(total_memory("MemTotal:       24683896 kB\nMemFree: 1 kB\n"), 24_683_896 * 1024);
    }

    #[test]
    fn what_is_beyond_a_limit_is_withheld_and_no_limit_withholds_nothing() {
        assert_eq!(beyond(Some(1000), 2000), 1000);
        // Version 1 reports this value when there is no limit.
        assert_eq!(beyond(Some(9_223_372_036_854_771_712), 2000), 0);
        assert_eq!(beyond(None, 2000), 0);
    }
}
