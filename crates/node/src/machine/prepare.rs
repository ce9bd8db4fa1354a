//! Prepares a container to be a node: makes read-only mounts writable and creates missing devices.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::Context;
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

/// Folders that components expect and that may be missing on a new volume.
const FOLDERS: [&str; 5] =
    ["/var/lib/jeroboam", "/var/log/jeroboam", "/var/log/pods", "/run/jeroboam", "/etc/cni/net.d"];

/// Links that the image has in `/var`. Docker copies its content to a new volume once; when it is stopped meanwhile, the
/// volume keeps what was copied until then.
const LINKS: [(&str, &str); 2] = [("var/run", "/run"), ("var/lock", "/run/lock")];

/// Folders of the image in `/var`, for the same reason.
const DISK_FOLDERS: [&str; 5] = ["var/cache", "var/lib", "var/log", "var/spool", "var/tmp"];

/// Prepares the machine. `container` states whether this is a container with our process 1: the mounts of a real
/// machine are not changed.
pub fn prepare(container: bool) -> anyhow::Result<()> {
    if container {
        complete_disk(Path::new("/")).context("completing the disk")?;
    }
    for folder in FOLDERS {
        std::fs::create_dir_all(folder).with_context(|| format!("making {folder}"))?;
    }
    if container {
        remount_writable()?;
        share_mounts()?;
        make_kmsg()?;
        super::cgroup::make_room().context("making room below this container's control group")?;
    }
    forward_packets();
    raise_inotify_instances();
    Ok(())
}

/// Creates what the volume on `/var` lacks of the image's content.
fn complete_disk(root: &Path) -> anyhow::Result<()> {
    for folder in DISK_FOLDERS {
        let path = root.join(folder);
        std::fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
    }
    std::fs::set_permissions(root.join("var/tmp"), Permissions::from_mode(0o1777)).context("opening /var/tmp")?;
    for (link, target) in LINKS {
        let path = root.join(link);
        match path.symlink_metadata() {
            Ok(there) if there.is_symlink() => continue,
            // What a component has created in its place is of an earlier start.
            Ok(_) => std::fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))?,
            Err(_) => {}
        }
        symlink(target, &path).with_context(|| format!("linking {} to {target}", path.display()))?;
    }
    Ok(())
}

/// Remounts `/sys` and the cgroup mounts, which are read-only in an unprivileged container.
fn remount_writable() -> anyhow::Result<()> {
    let remount = |target: &Path, flags: MsFlags| {
        mount(None::<&str>, target, None::<&str>, MsFlags::MS_REMOUNT | flags, None::<&str>)
            .with_context(|| format!("mounting {} writable", target.display()))
    };
    remount(Path::new("/sys"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC)?;
    for target in cgroup_mounts(&std::fs::read_to_string("/proc/self/mounts")?) {
        // Only this mount (bind), not the hierarchy that the whole machine shares.
        remount(&target, MsFlags::MS_BIND | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC)?;
    }
    // The engine may have made parts of /proc/sys read-only; kubelet and kube-proxy write some of them.
    if mounted_read_only("/proc/sys")? {
        remount(
            Path::new("/proc/sys"),
            MsFlags::MS_BIND | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC,
        )?;
    }
    Ok(())
}

/// Makes the root mount shared, as mount propagation requires and systemd does on a real machine.
fn share_mounts() -> anyhow::Result<()> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_SHARED | MsFlags::MS_REC, None::<&str>)
        .context("sharing the mounts below /")
}

/// Creates /dev/kmsg, without which kubelet refuses to start. If the device cannot be opened, an empty file is
/// sufficient.
fn make_kmsg() -> anyhow::Result<()> {
    let kmsg = Path::new("/dev/kmsg");
    if kmsg.symlink_metadata().is_ok() {
        return Ok(());
    }
    let made = mknod(kmsg, SFlag::S_IFCHR, Mode::from_bits_truncate(0o644), makedev(1, 11)).is_ok();
    if made && std::fs::File::open(kmsg).is_ok() {
        return Ok(());
    }
    let _ = std::fs::remove_file(kmsg);
    std::os::unix::fs::symlink("/dev/null", kmsg).context("making /dev/kmsg")
}

/// Enables forwarding of pods' packets. Bridged packets must pass iptables for services to work on one node.
fn forward_packets() {
    for (key, needed) in [("net/ipv4/ip_forward", true), ("net/bridge/bridge-nf-call-iptables", false)] {
        let path = format!("/proc/sys/{key}");
        if let Err(error) = std::fs::write(&path, "1")
            && (needed || Path::new(&path).exists())
        {
            tracing::warn!(%error, "cannot set {path}");
        }
    }
}

/// Raises the limit on inotify instances for kubelet, kube-proxy and containerd, which watch files. With Linux's
/// default for all programs of a user (128), the fifth cluster on a machine fails with "too many open files". Never
/// lowered.
fn raise_inotify_instances() {
    const PATH: &str = "/proc/sys/fs/inotify/max_user_instances";
    const NEEDED: u32 = 8192;
    let allowed = std::fs::read_to_string(PATH).ok().and_then(|text| text.trim().parse::<u32>().ok());
    if allowed.is_some_and(|allowed| allowed < NEEDED)
        && let Err(error) = std::fs::write(PATH, NEEDED.to_string())
    {
        tracing::warn!(%error, "cannot raise {PATH} to {NEEDED}: components may fail with \"too many open files\"");
    }
}

fn mounted_read_only(target: &str) -> anyhow::Result<bool> {
    Ok(std::fs::read_to_string("/proc/self/mounts")?.lines().any(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        fields.get(1) == Some(&target) && fields.get(3).is_some_and(|options| options.split(',').any(|o| o == "ro"))
    }))
}

/// Mount points of all cgroup mounts in a mount table.
fn cgroup_mounts(mounts: &str) -> Vec<PathBuf> {
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (target, kind) = (fields.next()?, fields.next()?);
            (kind == "cgroup" || kind == "cgroup2").then(|| PathBuf::from(target))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_half_copied_disk_lacks_is_created_and_what_is_right_stays() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("var/run/docker")).unwrap();
        std::fs::create_dir_all(root.path().join("var/lib/docker")).unwrap();
        for _ in 0..2 {
            complete_disk(root.path()).unwrap();
            assert_eq!(std::fs::read_link(root.path().join("var/run")).unwrap(), Path::new("/run"));
            assert_eq!(std::fs::read_link(root.path().join("var/lock")).unwrap(), Path::new("/run/lock"));
            let tmp = std::fs::metadata(root.path().join("var/tmp")).unwrap();
            assert_eq!(tmp.permissions().mode() & 0o7777, 0o1777);
            assert!(root.path().join("var/lib/docker").is_dir());
        }
    }

    #[test]
    fn cgroup_mounts_of_both_versions_are_found() {
        let table = "sysfs /sys sysfs ro 0 0\ntmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
            cgroup /sys/fs/cgroup/memory cgroup ro,memory 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 ro 0 0\n";
        assert_eq!(
            cgroup_mounts(table),
            [PathBuf::from("/sys/fs/cgroup/memory"), PathBuf::from("/sys/fs/cgroup/unified")]
        );
    }
}
