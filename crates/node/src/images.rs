//! Imports images that are stored on the machine into the container runtime, for clusters that reach no registry.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fault::{Code, Fault};
use crate::kubernetes::layout::{CONTAINERD_SOCKET, text, tool};
use crate::process::output;

/// Folder of the images in node images.
const FOLDER: &str = "/opt/jeroboam/images";

/// Name of this part in reports.
pub const NAME: &str = "images";

/// The archive of the pause image, which every pod needs.
const PAUSE: &str = "pause.tar";

/// Timeout of an import: unpacking an image takes seconds, on a busy machine with a slow disk a minute.
const PATIENCE: Duration = Duration::from_secs(600);

/// The container runtime that imports the images.
#[derive(Debug, Clone, Copy)]
pub enum Runtime {
    /// containerd, for Kubernetes.
    Containerd,
    /// The Docker Engine.
    Docker,
}

/// Whether the pause image, which every pod needs, is stored on this machine.
pub fn has_pause() -> bool {
    Path::new(FOLDER).join(PAUSE).exists()
}

/// Imports the pause image, if it is stored here.
///
/// # Errors
/// The error of the runtime.
pub async fn import_pause() -> Result<(), Fault> {
    if has_pause() { import(Runtime::Containerd, &Path::new(FOLDER).join(PAUSE)).await } else { Ok(()) }
}

/// Imports all other images.
///
/// # Errors
/// The error of the runtime.
pub async fn import_others(runtime: Runtime) -> Result<(), Fault> {
    for archive in archives(Path::new(FOLDER)) {
        // A Docker Engine has no pods.
        if archive.file_name().is_some_and(|name| name != PAUSE) {
            import(runtime, &archive).await?;
        }
    }
    Ok(())
}

fn archives(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut archives: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|e| e == "tar")).collect();
    archives.sort();
    archives
}

async fn import(runtime: Runtime, archive: &Path) -> Result<(), Fault> {
    let path = archive.display().to_string();
    let (program, arguments): (_, &[&str]) = match runtime {
        Runtime::Containerd => {
            (text(tool("ctr")), &["--address", CONTAINERD_SOCKET, "--namespace", "k8s.io", "images", "import", &path])
        }
        Runtime::Docker => ("docker".to_owned(), &["load", "--quiet", "--input", &path]),
    };
    output(&program, arguments, PATIENCE)
        .await
        .map(drop)
        .map_err(|why| Fault::passing(Code::ImageImportFailed, NAME, format!("importing {path} failed: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_archives_are_taken_in_a_stable_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["nginx.tar", "README", "pause.tar", "base.tar"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names: Vec<_> = archives(folder.path()).iter().map(|p| p.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["base.tar", "nginx.tar", "pause.tar"]);
        assert!(archives(Path::new("/nowhere")).is_empty());
    }
}
