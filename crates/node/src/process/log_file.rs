//! A component's log on disk, bounded in size.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

/// Maximum size of a log, in bytes; then it is renamed to `NAME.log.1` and a new one is started. The disk usage per
/// component is at most twice this size.
const LIMIT: u64 = 8 * 1024 * 1024;

/// An open log.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    limit: u64,
    written: u64,
    file: File,
}

impl LogFile {
    /// Opens the log at `path` for appending.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        Self::with_limit(path, LIMIT)
    }

    fn with_limit(path: PathBuf, limit: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let written = file.metadata()?.len();
        Ok(Self { path, limit, written, file })
    }

    /// Writes a line.
    ///
    /// # Errors
    /// When the disk cannot be written.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        if self.written >= self.limit {
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
            *self = Self::with_limit(self.path.clone(), self.limit)?;
        }
        self.written += line.len() as u64 + 1;
        // One write per line, so that a crash loses no line and lines of several writers do not mix.
        self.file.write_all(format!("{line}\n").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_is_moved_aside_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etcd.log");
        let mut log = LogFile::with_limit(path.clone(), 8).unwrap();
        for line in ["12345678", "second", "x"] {
            log.line(line).unwrap();
        }
        assert_eq!(std::fs::read_to_string(folder.path().join("etcd.log.1")).unwrap(), "12345678\n");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "second\nx\n");
    }
}
