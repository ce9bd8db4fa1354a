//! Watching the cluster through times when its API server does not answer.

use std::sync::Arc;
use std::time::Duration;

use jeroboam_types::agent::ComponentState;

use crate::board::Board;
use crate::process::back_off::BackOff;

/// First and longest wait. Short at first: in a new cluster the agent's rights arrive a moment after the API server.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Failures in a row before they are reported: a few are normal while a cluster starts.
const TOLERATED: u32 = 6;

/// How a part of the agent bears failures of its watch.
#[derive(Debug)]
pub struct Patience {
    name: &'static str,
    board: Arc<Board>,
    back_off: BackOff,
    failures: u32,
}

impl Patience {
    /// For the part with this name in reports.
    pub fn new(name: &'static str, board: Arc<Board>) -> Self {
        Self { name, board, back_off: BackOff::new(BACK_OFF.0, BACK_OFF.1), failures: 0 }
    }

    /// Waits before the watch is tried again.
    pub async fn wait(&mut self, error: &kube::runtime::watcher::Error) {
        self.wait_for("watching the cluster", error).await;
    }

    /// Waits before the next attempt at something.
    pub async fn wait_for(&mut self, what: &str, error: &(dyn std::error::Error + Sync)) {
        self.failures += 1;
        if self.failures > TOLERATED {
            tracing::warn!(%error, "{}: {what}", self.name);
            let line = format!("{what}: {error}");
            self.board.component(self.name, |component| {
                // A part that is up stays up: what it knows is still good.
                if component.state == ComponentState::Starting {
                    component.state = ComponentState::BackOff;
                }
                component.log = vec![line];
            });
        }
        tokio::time::sleep(self.back_off.wait()).await;
    }

    /// The watch works.
    pub fn reset(&mut self) {
        self.failures = 0;
        self.back_off.reset();
    }
}
