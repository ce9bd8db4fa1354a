//! The policy of a running server, reloaded when its file changes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use super::{Policy, PolicyError, Problem};

/// Between two checks of the file: short enough for an operator who has just changed it, at almost no cost.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The policy of a running server. Cheap to clone; all clones see the same.
#[derive(Clone)]
pub struct PolicyBook {
    inner: Arc<Inner>,
}

struct Inner {
    current: RwLock<Arc<Policy>>,
    file: Option<File>,
}

/// The operator's file.
struct File {
    path: PathBuf,
    /// Whether the file must exist. If not, a missing file means the defaults.
    is_required: bool,
    /// Its stamp when it was read last, whether it was valid or not.
    seen: Mutex<Option<Stamp>>,
}

/// Attributes by which a change of a file is detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Changes when a new file replaces the old one, as editors and deployment tools do it.
    inode: u64,
}

impl Default for PolicyBook {
    /// The defaults, without a file.
    fn default() -> Self {
        Self::new(Policy::default(), None)
    }
}

impl fmt::Debug for PolicyBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.inner.file.as_ref().map(|file| file.path.as_path());
        f.debug_struct("PolicyBook").field("file", &file).finish_non_exhaustive()
    }
}

impl PolicyBook {
    fn new(policy: Policy, file: Option<File>) -> Self {
        Self { inner: Arc::new(Inner { current: RwLock::new(Arc::new(policy)), file }) }
    }

    /// Opens a policy file. If it is not required, the defaults apply while it is missing.
    ///
    /// # Errors
    /// When it cannot be read: a server must not start with rules other than its operator's.
    pub fn open(path: &Path, is_required: bool) -> Result<Self, PolicyError> {
        let seen = stamp(path);
        let policy = match seen {
            None if !is_required => Policy::default(),
            _ => load(path)?,
        };
        Ok(Self::new(policy, Some(File { path: path.to_owned(), is_required, seen: Mutex::new(seen) })))
    }

    /// The current rules.
    #[must_use]
    pub fn current(&self) -> Arc<Policy> {
        Arc::clone(&self.inner.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file if it has changed. If that fails, the previous rules stay in force.
    ///
    /// # Errors
    /// What is wrong with the new file. Reported once, until the file changes again.
    pub fn refresh(&self) -> Result<(), PolicyError> {
        let Some(file) = &self.inner.file else { return Ok(()) };
        let now = stamp(&file.path);
        {
            let mut seen = file.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == now {
                return Ok(());
            }
            *seen = now;
        }
        let policy = match now {
            None if !file.is_required => Policy::default(),
            _ => load(&file.path)?,
        };
        *self.inner.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
        tracing::info!(file = %file.path.display(), "the policy has changed");
        Ok(())
    }

    /// Reloads the file when it changes, until `shutdown` completes.
    pub async fn watch(self, shutdown: impl Future<Output = ()>) {
        if self.inner.file.is_none() {
            return;
        }
        let mut shutdown = std::pin::pin!(shutdown);
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                _ = ticks.tick() => {}
            }
            let book = self.clone();
            // The file may be on slow storage.
            match tokio::task::spawn_blocking(move || book.refresh()).await {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(error)) => {
                    tracing::error!("the new policy is invalid, the previous one stays in force:\n{error}");
                }
            }
        }
    }
}

fn load(path: &Path) -> Result<Policy, PolicyError> {
    let (policy, warnings) = Policy::load(path)?;
    for warning in warnings.iter().map(|warning: &Problem| warning.in_file(&path.display().to_string())) {
        tracing::warn!("{warning}");
    }
    Ok(policy)
}

/// The stamp of a file; `None` when there is no such file.
fn stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp { modified: metadata.modified().ok(), length: metadata.len(), inode: metadata.ino() })
}
