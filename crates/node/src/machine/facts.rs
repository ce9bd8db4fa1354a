//! Properties of the machine.

use std::path::Path;
use std::process::{Command, Stdio};

use jeroboam_types::agent::Facts;

/// Bit of CAP_SYS_RESOURCE in the capability sets of `/proc/self/status` (linux/capability.h).
const CAP_SYS_RESOURCE: u32 = 24;

/// Detects the properties. Unknown ones stay empty: they are only informative, so this must not fail.
pub fn detect() -> Facts {
    Facts {
        agent: env!("CARGO_PKG_VERSION").to_owned(),
        kernel: read("/proc/sys/kernel/osrelease"),
        cgroup: super::cgroup::version(),
        ipvs: has_ipvs(),
        vxlan: has_vxlan(),
        runtime: None,
        engine: None,
    }
}

/// Whether this process may raise limits and lower OOM scores. If not, containerd must be configured not to try.
pub fn can_raise_limits() -> bool {
    has_capability(&read("/proc/self/status"), CAP_SYS_RESOURCE)
}

fn has_capability(status: &str, bit: u32) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .is_some_and(|set| set & (1 << bit) != 0)
}

/// Whether the kernel has IPVS: it is listed in /proc once loaded; if modules can be loaded, an available module is
/// enough.
fn has_ipvs() -> bool {
    Path::new("/proc/net/ip_vs").exists() || module_loads("ip_vs")
}

/// Whether the kernel has VXLAN. A built-in VXLAN is not listed in /proc, so this tries to use it.
fn has_vxlan() -> bool {
    const TRIAL: &str = "jeroboam-trial";
    let made = quiet("ip", &["link", "add", TRIAL, "type", "vxlan", "id", "16777215", "dstport", "0"]);
    if made {
        quiet("ip", &["link", "del", TRIAL]);
    }
    made
}

/// Whether the machine meets the requirements of kube-proxy's nftables mode: nf_tables in a kernel from 5.13 on
/// (Kubernetes documentation, "Virtual IPs and Service Proxies"), and the program `nft`.
pub fn has_nftables() -> bool {
    const TRIAL: &str = "jeroboam-trial";
    kernel_since(&read("/proc/sys/kernel/osrelease"), (5, 13))
        && quiet("nft", &["add", "table", "ip", TRIAL])
        && quiet("nft", &["delete", "table", "ip", TRIAL])
}

/// Whether a release such as `6.1.0-18-cloud-amd64` is at least this version.
fn kernel_since(release: &str, needed: (u32, u32)) -> bool {
    let mut numbers = release.split(['.', '-']).map(|number| number.parse().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) >= needed,
        _ => false,
    }
}

fn module_loads(module: &str) -> bool {
    Path::new("/lib/modules").exists() && quiet("modprobe", &["--quiet", module])
}

fn quiet(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_is_found_in_the_effective_set_only() {
        let status = "Name:\tx\nCapPrm:\t0000003fffffffff\nCapEff:\t0000003ffeffffff\n";
        assert!(!has_capability(status, CAP_SYS_RESOURCE));
        assert!(has_capability(status, 12));
        assert!(!has_capability("", 12));
    }

    #[test]
    fn kernels_are_compared_by_number() {
        assert!(kernel_since("6.1.0-18-cloud-amd64", (5, 13)) && kernel_since("5.13", (5, 13)));
        assert!(!kernel_since("5.4.0", (5, 13)) && !kernel_since("", (5, 13)) && !kernel_since("x.y", (5, 13)));
    }

    #[test]
    fn this_machine_has_a_kernel_and_cgroups() {
        assert!(!read("/proc/sys/kernel/osrelease").is_empty());
        assert!(matches!(super::super::cgroup::version(), 0..=2));
    }
}
