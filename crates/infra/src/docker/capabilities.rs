//! Capabilities of a node's container: all, where the engine itself has all, otherwise an explicit list.
//!
//! `--privileged` requests every capability, and fails when the engine lacks a single one, as in many virtual machines
//! and containers. Nodes need fewer.

use bollard::models::HostConfig;

/// How a container gets the capabilities of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Grant {
    /// By the engine's privileged mode.
    Privileged,
    /// By a list: added to the engine's defaults, and dropped from them.
    Listed {
        /// Capabilities to add.
        add: Vec<&'static str>,
        /// Capabilities to drop.
        drop: Vec<&'static str>,
    },
}

/// Name and number (`linux/capability.h`).
type Capability = (&'static str, u8);

/// The engine's default capabilities of containers.
const DEFAULTS: [Capability; 14] = [
    ("CHOWN", 0),
    ("DAC_OVERRIDE", 1),
    ("FOWNER", 3),
    ("FSETID", 4),
    ("KILL", 5),
    ("SETGID", 6),
    ("SETUID", 7),
    ("SETPCAP", 8),
    ("NET_BIND_SERVICE", 10),
    ("NET_RAW", 13),
    ("SYS_CHROOT", 18),
    ("MKNOD", 27),
    ("AUDIT_WRITE", 29),
    ("SETFCAP", 31),
];

/// Additional capabilities of nodes. Every engine since API version 1.41 knows these names.
const EXTRA: [Capability; 24] = [
    ("DAC_READ_SEARCH", 2),
    ("LINUX_IMMUTABLE", 9),
    ("NET_BROADCAST", 11),
    ("NET_ADMIN", 12),
    ("IPC_LOCK", 14),
    ("IPC_OWNER", 15),
    ("SYS_MODULE", 16),
    ("SYS_RAWIO", 17),
    ("SYS_PTRACE", 19),
    ("SYS_PACCT", 20),
    ("SYS_ADMIN", 21),
    ("SYS_BOOT", 22),
    ("SYS_NICE", 23),
    SYS_RESOURCE,
    ("SYS_TIME", 25),
    ("SYS_TTY_CONFIG", 26),
    ("LEASE", 28),
    ("AUDIT_CONTROL", 30),
    ("MAC_OVERRIDE", 32),
    ("MAC_ADMIN", 33),
    ("SYSLOG", 34),
    ("WAKE_ALARM", 35),
    ("BLOCK_SUSPEND", 36),
    ("AUDIT_READ", 37),
];

/// The capability that engines lack most often, and that nodes can do without.
const SYS_RESOURCE: Capability = ("SYS_RESOURCE", 24);

impl Grant {
    /// The grant to try first with an engine whose capabilities (a bit for each) are `engine`, on a kernel whose last
    /// capability has the number `last`. Where the engine's capabilities are not known, privileged mode is tried.
    pub(super) fn first(engine: Option<u64>, last: u8) -> Self {
        let all = u64::MAX >> (63 - last.min(63));
        match engine {
            Some(has) if has & all != all => Self::listed(Some(has)),
            _ => Self::Privileged,
        }
    }

    /// The explicit list, limited to what the engine has. An engine whose capabilities are not known and that refused
    /// privileged mode most likely lacks `SYS_RESOURCE`.
    pub(super) fn listed(engine: Option<u64>) -> Self {
        let has = engine.unwrap_or(!(1 << SYS_RESOURCE.1));
        let names = |table: &[Capability], wanted: bool| {
            table.iter().filter(|(_, bit)| ((has >> bit) & 1 == 1) == wanted).map(|(name, _)| *name).collect()
        };
        Self::Listed { add: names(&EXTRA, true), drop: names(&DEFAULTS, false) }
    }

    /// Applies the grant to a container.
    pub(super) fn apply(&self, host: &mut HostConfig) {
        match self {
            Self::Privileged => host.privileged = Some(true),
            Self::Listed { add, drop } => {
                let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
                host.cap_add = Some(owned(add));
                host.cap_drop = Some(owned(drop));
            }
        }
    }
}

/// The capabilities of a process of this machine, which it can pass on.
pub(super) fn of_process(pid: i32) -> Option<u64> {
    from_status(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn from_status(status: &str) -> Option<u64> {
    let set = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(value.trim(), 16).ok()
    };
    Some(set("CapPrm:")? & set("CapBnd:")?)
}

/// Number of the last capability that this machine's kernel knows.
pub(super) fn last_of_kernel() -> u8 {
    /// `CAP_CHECKPOINT_RESTORE`, the last one since Linux 5.9.
    const USUAL: u8 = 40;
    std::fs::read_to_string("/proc/sys/kernel/cap_last_cap")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(USUAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u64 = 0x1ff_ffff_ffff;

    #[test]
    fn an_engine_that_may_do_everything_gives_everything() {
        assert_eq!(Grant::first(Some(ALL), 40), Grant::Privileged);
        assert_eq!(Grant::first(None, 40), Grant::Privileged);
    }

    #[test]
    fn an_engine_that_lacks_one_capability_gives_a_list_without_it() {
        let Grant::Listed { add, drop } = Grant::first(Some(ALL & !(1 << 24)), 40) else { panic!("not privileged") };
        assert_eq!(add.len(), EXTRA.len() - 1);
        assert!(add.contains(&"SYS_ADMIN") && !add.contains(&"SYS_RESOURCE"));
        assert_eq!(drop, Vec::<&str>::new());
    }

    #[test]
    fn a_default_that_the_engine_lacks_is_dropped() {
        let Grant::Listed { drop, .. } = Grant::first(Some(ALL & !(1 << 27)), 40) else { panic!("not privileged") };
        assert_eq!(drop, ["MKNOD"]);
    }

    #[test]
    fn a_process_has_what_is_both_permitted_and_in_its_bounding_set() {
        let status =
            "Name:\tdockerd\nCapPrm:\t000001fffeffffff\nCapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n";
        assert_eq!(from_status(status), Some(0x1ff_feff_ffff));
        assert_eq!(from_status("Name:\tx\n"), None);
    }
}
