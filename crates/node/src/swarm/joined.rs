//! The swarm that the engine has joined, saved on the node's disk. A recreated swarm is another one, and the engine
//! does not notice that.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files;

const FILE: &str = "/var/lib/jeroboam/swarm.json";

/// The swarm that the engine has joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Joined {
    /// Digest of the swarm's CA, from the token.
    swarm: String,
    /// The assignment's attempt at that time.
    attempt: u64,
}

/// Saves the swarm in a file.
pub(super) struct Keeper(PathBuf);

impl Default for Keeper {
    fn default() -> Self {
        Self(PathBuf::from(FILE))
    }
}

impl Keeper {
    /// Whether this token is for another swarm than the engine's, at this attempt of the assignment. Users may rotate a
    /// swarm's CA, whose digest is then in new tokens; but the attempt only changes when the swarm was recreated.
    pub(super) fn is_another(&self, attempt: u64, token: &str) -> bool {
        let kept = read(&self.0);
        kept.is_some_and(|kept| kept.swarm != digest(token) && kept.attempt != attempt)
    }

    /// Records that the engine is in the swarm of this token.
    ///
    /// # Errors
    /// Any error of the file system.
    pub(super) fn keep(&self, attempt: u64, token: &str) -> io::Result<()> {
        let swarm = digest(token).to_owned();
        if read(&self.0).is_some_and(|kept| kept.swarm == swarm) {
            return Ok(());
        }
        let joined = Joined { swarm, attempt };
        files::write_private(&self.0, &serde_json::to_string(&joined)?)
    }
}

fn read(path: &Path) -> Option<Joined> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

/// The digest of the swarm's CA in a join token: `SWMTKN-1-DIGEST-SECRET`.
fn digest(token: &str) -> &str {
    token.split('-').nth(2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swarm_is_another_one_if_it_was_founded_anew_and_not_if_it_has_another_authority() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = Keeper(folder.path().join("swarm.json"));
        let (old, new) = ("SWMTKN-1-aaa-secret", "SWMTKN-1-bbb-secret");
        assert!(!keeper.is_another(3, old), "nothing is known of the one before");
        keeper.keep(3, old).unwrap();
        assert!(!keeper.is_another(4, "SWMTKN-1-aaa-other"));
        assert!(!keeper.is_another(3, new), "another authority");
        assert!(keeper.is_another(4, new));
        keeper.keep(4, old).unwrap();
        assert!(keeper.is_another(4, new), "what was kept is of the time when it joined");
        keeper.keep(4, new).unwrap();
        assert!(!keeper.is_another(5, new));
        assert!(!std::fs::read_to_string(&keeper.0).unwrap().contains("secret"));
    }
}
