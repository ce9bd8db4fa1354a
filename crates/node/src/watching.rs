//! Watching the cluster, with retries while its API server does not answer.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use jeroboam_types::agent::ComponentState;

use crate::board::Board;
use crate::tools::back_off;

/// Back-off between attempts. Short at first: in a new cluster the agent's role is created shortly after the API server
/// starts.
const BACK_OFF: ExponentialBuilder = back_off(Duration::from_millis(100), LONGEST_PAUSE);
const LONGEST_PAUSE: Duration = Duration::from_millis(2500);

/// Consecutive failures before they are reported: a few are normal while a cluster starts.
const TOLERATED: u32 = 6;

/// Handles failures of a watch for one part of the agent.
#[derive(Debug)]
pub struct Patience {
    name: &'static str,
    board: Arc<Board>,
    pauses: ExponentialBackoff,
    failures: u32,
}

impl Patience {
    /// For the part with this name in reports.
    pub fn new(name: &'static str, board: Arc<Board>) -> Self {
        Self { name, board, pauses: BACK_OFF.build(), failures: 0 }
    }

    /// Waits before the watch is retried.
    pub async fn wait(&mut self, error: &kube::runtime::watcher::Error) {
        self.wait_for("watching the cluster", error).await;
    }

    /// Waits before an operation is retried.
    pub async fn wait_for(&mut self, what: &str, error: &(dyn std::error::Error + Sync)) {
        self.failures += 1;
        if self.failures > TOLERATED {
            tracing::warn!(%error, "{}: {what}", self.name);
            let line = format!("{what}: {error}");
            self.board.component(self.name, |component| {
                // A part that is up stays up: its data is still valid.
                if component.state == ComponentState::Starting {
                    component.state = ComponentState::BackOff;
                }
                component.log = vec![line];
            });
        }
        tokio::time::sleep(self.pauses.next().unwrap_or(LONGEST_PAUSE)).await;
    }

    /// Resets the failures, as the watch works.
    pub fn reset(&mut self) {
        self.failures = 0;
        self.pauses = BACK_OFF.build();
    }
}
