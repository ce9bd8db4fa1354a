//! Describes the machine, and reads processor time and memory from `/proc`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

/// The description of this machine, in one line.
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

/// A value from text with lines such as `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start_matches([' ', '\t', ':']).trim().to_owned())
}

/// The number in text such as `50 kB`.
pub(crate) fn kilobytes(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

/// Linux counts processor time in hundredths of a second (time(7), USER_HZ).
const TICK: Duration = Duration::from_millis(10);

/// Processor time of all children of this process that have exited.
pub(crate) fn time_of_children() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").context("reading the time that children took")?;
    times(&stat, 13).context("/proc/self/stat has no times")
}

/// Processor time of a process, from its `/proc/PID/stat`.
pub(crate) fn processor_time(stat: &str) -> Option<Duration> {
    times(stat, 11)
}

/// The sum of two adjacent fields of `/proc/PID/stat`, user and system time. `before` is the number of fields between
/// the name and them (proc(5); the name, the second field, is in parentheses and may contain blanks).
fn times(stat: &str, before: usize) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(before).map_while(|time| time.parse::<u32>().ok());
    times.next().zip(times.next()).map(|(user, system)| TICK * (user + system))
}

/// A memory field of `/proc/PID/status`, converted from kB to MB.
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
    fn processor_time_is_read_behind_a_name_with_blanks() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 100 0 0 0 120 30 5 5 20 0 9 0 1000 0";
        assert_eq!(processor_time(stat), Some(Duration::from_millis(1500)));
        assert_eq!(times(stat, 13), Some(Duration::from_millis(100)));
        assert_eq!(processor_time("7 (a) S 1"), None);
    }

    #[test]
    fn the_longest_mount_point_is_the_one_a_folder_is_on() {
        let mounts = "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /nowhere rw shared:1 - xfs /dev/b rw\n";
        assert_eq!(filesystem(Path::new("/nowhere/data"), mounts), "xfs");
        assert_eq!(filesystem(Path::new("/elsewhere"), mounts), "ext4");
    }
}
