//! The data folder: one process at a time, readable by its owner only.

use std::fs::{File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The data folder, locked for this process until this is dropped.
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the folder if it is missing (mode 0700) and locks it.
    ///
    /// # Errors
    /// When it cannot be created, or another process holds the lock.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("making the data folder {}", path.display()))?;
        let mode =
            std::fs::metadata(path).with_context(|| format!("looking at {}", path.display()))?.permissions().mode();
        if mode & 0o077 != 0 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
                .with_context(|| format!("keeping others out of {}", path.display()))?;
        }
        let lock_path = path.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .with_context(|| format!("opening {}", lock_path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => bail!(
                "another 'jeroboam up' is using the data folder {}. Stop it, or give this one a folder of its own with --data",
                path.display()
            ),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", lock_path.display())),
        }
    }

    /// Path of a file in the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Path of the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// `$XDG_DATA_HOME/jeroboam`, by default `~/.local/share/jeroboam`.
#[must_use]
pub(crate) fn default_data_dir() -> PathBuf {
    let base = std::env::var_os("XDG_DATA_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    base.unwrap_or_else(|| PathBuf::from("/var/lib")).join("jeroboam")
}
