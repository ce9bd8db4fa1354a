//! What the numbers were measured on.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

/// One line of text.
pub(crate) fn describe(dir: &Path) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = field(&cpuinfo, "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = field(&read("/proc/meminfo"), "MemTotal").and_then(|text| kilobytes(&text)).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let docker = Command::new("docker")
        .args(["info", "--format", "Docker {{.ServerVersion}}, {{.Driver}}, cgroup v{{.CgroupVersion}}"])
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    format!(
        "Measured on: {model}, {cores} cores, {:.0} GB of memory, Linux {}, data on {}, {docker}; load before: {}.",
        memory / 1024.0 / 1024.0,
        kernel.trim(),
        filesystem(dir, &read("/proc/self/mountinfo")),
        load.split(' ').next().unwrap_or_default(),
    )
}

/// A value out of text with lines such as `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start_matches([' ', '\t', ':']).trim().to_owned())
}

/// A number out of text such as `50 kB`.
pub(crate) fn kilobytes(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

/// Processor time of all children of this process that have ended, in ticks (proc(5): fields 16 and 17 of
/// `/proc/self/stat`; the second, the name, stands in parentheses and may have blanks).
pub(crate) fn time_of_children() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("reading the time that children took")?;
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let mut times = fields.split(' ').skip(13).take(2).filter_map(|time| time.parse::<f64>().ok());
    times.next().zip(times.next()).map(|(user, system)| user + system).context("/proc/self/stat has no times")
}

/// The field of `/proc/PID/status` that tells memory in kB, in MB.
pub(crate) fn memory_of(status: &str, name: &str) -> Option<f64> {
    Some(kilobytes(&field(status, name)?)? / 1024.0)
}

/// Type of the file system that a folder is on (proc(5), mountinfo: the mount point is the fifth field, the type is
/// the first after the dash).
fn filesystem(dir: &Path, mounts: &str) -> String {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let mut best: Option<(usize, String)> = None;
    for line in mounts.lines() {
        let Some((mount, rest)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(kind)) = (mount.split(' ').nth(4), rest.split(' ').next()) else { continue };
        // A later mount on the same point covers the earlier one.
        if dir.starts_with(point) && best.as_ref().is_none_or(|(length, _)| point.len() >= *length) {
            best = Some((point.len(), kind.to_owned()));
        }
    }
    best.map_or_else(|| "an unknown file system".to_owned(), |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_line_of_that_name() {
        assert_eq!(memory_of("Name:\tx\nVmRSS:\t    2048 kB\nRssAnon:\t 1024 kB\n", "VmRSS"), Some(2.0));
        assert_eq!(memory_of("Name:\tx\n", "VmRSS"), None);
    }

    #[test]
    fn the_longest_mount_point_is_the_one_a_folder_is_on() {
        let mounts = "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /nowhere rw shared:1 - xfs /dev/b rw\n";
        assert_eq!(filesystem(Path::new("/nowhere/data"), mounts), "xfs");
        assert_eq!(filesystem(Path::new("/elsewhere"), mounts), "ext4");
    }
}
