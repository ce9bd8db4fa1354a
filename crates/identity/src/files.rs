//! Files that hold secrets: mode 0600, replaced atomically.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::IdentityError;

/// Only the owner may read and write.
const PRIVATE: u32 = 0o600;

/// Reads a file that only its owner may read. `None` when there is none.
pub(crate) fn read_private(path: &Path) -> Result<Option<String>, IdentityError> {
    let failed = |source| IdentityError::File { doing: "reading", path: path.display().to_string(), source };
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?,
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(IdentityError::Exposed { path: path.display().to_string(), mode });
    }
    fs::read_to_string(path).map(Some).map_err(failed)
}

/// Writes a file that only its owner may read. A concurrent reader sees the old or the new content.
pub(crate) fn write_private(path: &Path, content: &str) -> Result<(), IdentityError> {
    let draft = path.with_extension("new");
    let write = || {
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(&draft)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(|source| IdentityError::File { doing: "writing", path: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.json");
        assert!(read_private(&path).unwrap().is_none());
        write_private(&path, "one").unwrap();
        write_private(&path, "two").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, PRIVATE);
        assert_eq!(read_private(&path).unwrap().as_deref(), Some("two"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(read_private(&path), Err(IdentityError::Exposed { mode: 0o644, .. })));
    }
}
