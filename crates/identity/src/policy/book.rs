//! The policy of a running server, which follows its file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use super::{Policy, PolicyError, Problem};

/// Between two looks at the file: as long as an operator waits gladly who has just changed it, at the cost of nothing.
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
    /// Whether there must be one. If not, no file means the defaults.
    is_required: bool,
    /// What it looked like when it was read last, good or bad.
    seen: Mutex<Option<Stamp>>,
}

/// What changes when a file changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// A new file under the old name, as editors and deployments put it there.
    inode: u64,
}

impl Default for PolicyBook {
    /// The defaults, for good.
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

    /// Opens a policy file. If there need not be one, the defaults hold as long as there is none.
    ///
    /// # Errors
    /// When it cannot be read: a server whose rules are not those that its operator wrote must not begin to serve.
    pub fn open(path: &Path, is_required: bool) -> Result<Self, PolicyError> {
        let seen = stamp(path);
        let policy = match seen {
            None if !is_required => Policy::default(),
            _ => load(path)?,
        };
        Ok(Self::new(policy, Some(File { path: path.to_owned(), is_required, seen: Mutex::new(seen) })))
    }

    /// The rules as they are now.
    #[must_use]
    pub fn current(&self) -> Arc<Policy> {
        Arc::clone(&self.inner.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file if it has changed. One that cannot be read changes nothing: the rules of before go on holding.
    ///
    /// # Errors
    /// What is wrong with the new file. Told once, until the file changes again.
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

    /// Follows the file until `shutdown` ends.
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
            // A file may lie on something slow.
            match tokio::task::spawn_blocking(move || book.refresh()).await {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(error)) => {
                    tracing::error!("the policy stays as it was, as the new one cannot be used:\n{error}");
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

/// `None` when there is no such file.
fn stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp { modified: metadata.modified().ok(), length: metadata.len(), inode: metadata.ino() })
}
