//! Access to environment variables and files, behind a trait so that tests do not need the process's own variables and
//! files.

use std::path::{Path, PathBuf};

/// Access to variables and files.
pub trait Environment {
    /// An environment variable; `None` also when it is empty.
    fn variable(&self, name: &str) -> Option<String>;

    /// The text of a file; `None` when there is no such file.
    ///
    /// # Errors
    /// When it exists but cannot be read.
    fn file(&self, path: &Path) -> std::io::Result<Option<String>>;

    /// Jeroboam's data folder: `$JEROBOAM_DATA`, or `jeroboam` in the user's data folder (XDG base directory
    /// specification).
    fn data_folder(&self) -> Option<PathBuf> {
        if let Some(folder) = self.variable("JEROBOAM_DATA") {
            return Some(PathBuf::from(folder));
        }
        let shared = self.variable("XDG_DATA_HOME").map(PathBuf::from);
        shared.or_else(|| Some(self.home()?.join(".local/share"))).map(|folder| folder.join("jeroboam"))
    }

    /// The user's home directory.
    fn home(&self) -> Option<PathBuf> {
        self.variable("HOME").map(PathBuf::from)
    }
}

/// The variables and files of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Process;

impl Environment for Process {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn file(&self, path: &Path) -> std::io::Result<Option<String>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
