//! A separate volume for images and containers (contract workloads-2015, row 63): their disk usage is limited, and they
//! do not fill the machine's disk.
//!
//! The volume is a file system in a sparse file of that size: it only uses the space of its content, and frees that of
//! deleted files.

use std::path::Path;
use std::time::Duration;

use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use crate::board::Board;
use crate::fault::{Code, Fault};
use crate::process::output;

/// Name of this part of the agent in reports.
pub const NAME: &str = "volume";

/// The file with the file system.
const FILE: &str = "/var/lib/jeroboam/containers.ext4";

/// Device to request loop devices from, with its numbers: 10 is the major number of miscellaneous devices (kernel,
/// `admin-guide/devices.txt`).
const CONTROL: (&str, u64, u64) = ("/dev/loop-control", 10, 237);

/// Major number of loop devices.
const LOOP: u64 = 7;

/// Number of attempts to get a loop device: nodes of one machine may request at the same time and get the same one.
const ATTEMPTS: u32 = 20;
const INTERVAL: Duration = Duration::from_millis(50);

/// Timeout of creating and mounting the file system.
const PATIENCE: Duration = Duration::from_secs(120);

/// Ensures that a volume of this size in GiB is mounted on `folder`. An existing volume keeps its size.
///
/// # Errors
/// When the machine has no loop devices or the file system cannot be created on its disk.
pub async fn ensure(board: &Board, gibibytes: u32, folder: &str) -> Result<(), Fault> {
    board.starting(NAME);
    let failed = |why: String| {
        let message = format!("a volume of {gibibytes} GiB for images and containers: {why}");
        Fault::passing(Code::MachineUnfit, NAME, message)
    };
    let mounts = std::fs::read_to_string("/proc/self/mounts").map_err(|error| failed(error.to_string()))?;
    if !is_mounted(&mounts, folder) {
        std::fs::create_dir_all(folder).map_err(|error| failed(format!("making {folder}: {error}")))?;
        if !Path::new(FILE).exists() {
            make(gibibytes).await.map_err(failed)?;
        }
        mount(folder).await.map_err(failed)?;
    }
    board.up(NAME);
    Ok(())
}

/// Whether the folder is a mount point: the second word of a line.
fn is_mounted(mounts: &str, folder: &str) -> bool {
    mounts.lines().any(|line| line.split(' ').nth(1) == Some(folder))
}

/// Creates the file under another name until it is complete, so that an interrupted attempt starts over.
async fn make(gibibytes: u32) -> Result<(), String> {
    let new = format!("{FILE}.new");
    let file = std::fs::File::create(&new).map_err(|error| format!("making {new}: {error}"))?;
    file.set_len(u64::from(gibibytes) << 30).map_err(|error| format!("making {new}: {error}"))?;
    output("mkfs.ext4", ["-q", "-F", "-m", "0", &new], PATIENCE).await?;
    std::fs::rename(&new, FILE).map_err(|error| format!("renaming {new}: {error}"))
}

async fn mount(folder: &str) -> Result<(), String> {
    let (control, major, minor) = CONTROL;
    // Exists already in privileged containers.
    let _ = make_device(control, SFlag::S_IFCHR, major, minor);
    let mut why = String::new();
    for _ in 0..ATTEMPTS {
        let found = output("losetup", ["--find"], PATIENCE).await?;
        let (device, number) = loop_device(&found).ok_or_else(|| format!("losetup found {found:?}"))?;
        let _ = make_device(device, SFlag::S_IFBLK, LOOP, number);
        // Not with mount's own `loop` option: from util-linux 2.41 on it takes another node's device for ours, as its
        // file has the same path.
        match output("losetup", [device, FILE], PATIENCE).await {
            Ok(_) => {
                let mounted = output("mount", ["-t", "ext4", "-o", "discard", device, folder], PATIENCE).await;
                // Releases the device once it is unused, which is now if the mount failed.
                let _ = output("losetup", ["--detach", device], PATIENCE).await;
                return mounted.map(drop);
            }
            Err(error) => why = error,
        }
        tokio::time::sleep(INTERVAL).await;
    }
    Err(why)
}

fn make_device(path: &str, kind: SFlag, major: u64, minor: u64) -> nix::Result<()> {
    mknod(path, kind, Mode::from_bits_truncate(0o600), makedev(major, minor))
}

/// Path and number in the output of `losetup --find`: `/dev/loop8`, or `/dev/loop8 (lost)` if the device file is
/// missing.
fn loop_device(found: &str) -> Option<(&str, u64)> {
    let device = found.split_whitespace().next()?;
    Some((device, device.strip_prefix("/dev/loop")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_found_by_their_target() {
        let mounts = "overlay / overlay rw 0 0\n/dev/loop3 /var/lib/containerd ext4 rw 0 0\n";
        assert!(is_mounted(mounts, "/var/lib/containerd"));
        assert!(!is_mounted(mounts, "/var/lib/docker") && !is_mounted(mounts, "/var/lib"));
    }

    #[test]
    fn a_loop_device_is_known_by_its_number_even_before_its_file_is_there() {
        assert_eq!(loop_device("/dev/loop8 (lost)"), Some(("/dev/loop8", 8)));
        assert_eq!(loop_device("/dev/loop0"), Some(("/dev/loop0", 0)));
        assert_eq!(loop_device("/dev/sda"), None);
        assert_eq!(loop_device(""), None);
    }
}
