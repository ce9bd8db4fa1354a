//! A copy of the deployment's id in the data folder. The id itself is in the database. The copy is for scripts that
//! clean up after a server, and for a new database in an existing folder.

use std::path::PathBuf;

use anyhow::Context;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// The file with the id.
pub(super) struct Note(PathBuf);

impl Note {
    pub(super) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Reads the id from the file, if there is one.
    pub(super) fn read(&self) -> anyhow::Result<Option<String>> {
        match std::fs::read_to_string(&self.0) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|id| !id.is_empty())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("reading {}", self.0.display())),
        }
    }

    /// Writes the id to the file, and again whenever it changes, until `shutdown`.
    pub(super) async fn keep(self, mut id: watch::Receiver<String>, shutdown: CancellationToken) {
        loop {
            let now = id.borrow_and_update().clone();
            if self.read().ok().flatten().as_ref() != Some(&now)
                && let Err(error) = std::fs::write(&self.0, &now)
            {
                warn!("the deployment's id cannot be noted in {}: {error}", self.0.display());
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                changed = id.changed() => if changed.is_err() { return },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_note_follows_the_id() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deployment");
        assert_eq!(Note::at(path.clone()).read().unwrap(), None);
        let id = watch::Sender::new("first".to_owned());
        let shutdown = CancellationToken::new();
        let keeping = tokio::spawn(Note::at(path.clone()).keep(id.subscribe(), shutdown.clone()));
        for expected in ["first", "second"] {
            id.send_replace(expected.to_owned());
            while Note::at(path.clone()).read().unwrap().as_deref() != Some(expected) {
                tokio::task::yield_now().await;
            }
        }
        shutdown.cancel();
        keeping.await.unwrap();
    }
}
