//! A disk that can be filled up.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small separate file system in memory. It is removed when this is dropped, so drop its users first.
pub struct SmallDisk {
    dir: tempfile::TempDir,
}

impl SmallDisk {
    /// Mounts one.
    #[must_use]
    pub fn new(mebibytes: u32) -> Self {
        let dir = tempfile::Builder::new().prefix("jeroboam-disk-").tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m,mode=0700"), "jeroboam-test"])
            .arg(dir.path())
            .output()
            .expect("mount is installed");
        assert!(
            mounted.status.success(),
            "this test fills up a disk and has to mount one, so it must run as root with CAP_SYS_ADMIN: {}",
            String::from_utf8_lossy(&mounted.stderr).trim()
        );
        Self { dir }
    }

    /// The mount point.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Fills all free blocks.
    pub fn fill(&self) {
        let mut file = std::fs::File::options().create(true).append(true).open(self.filler()).unwrap();
        for block in [64 * 1024, 4096] {
            while file.write_all(&vec![0; block]).is_ok() {}
        }
    }

    /// Removes the file of [`SmallDisk::fill`].
    pub fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.dir.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because a process that was just killed may still be exiting.
        let _ = Command::new("umount").arg("-l").arg(self.dir.path()).status();
    }
}
