//! Common services for the parts of the agent.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};

use crate::board::Board;
use crate::fault::Fault;
use crate::home::Home;
use crate::process::Supervisor;

/// Back-off between attempts after a part of the agent failed.
const BACK_OFF: ExponentialBuilder = back_off(Duration::from_millis(500), Duration::from_secs(5));

/// Endless back-off that doubles from `first` to `longest`. Jitter makes each delay up to twice as long, so that nodes
/// with the same failure do not retry together.
pub const fn back_off(first: Duration, longest: Duration) -> ExponentialBuilder {
    ExponentialBuilder::new().with_min_delay(first).with_max_delay(longest).without_max_times().with_jitter()
}

/// What the parts of the agent share.
#[derive(Debug, Clone)]
pub struct Tools {
    /// State for reports.
    pub board: Arc<Board>,
    /// Supervises the processes.
    pub supervisor: Arc<Supervisor>,
    /// Connection to the server.
    pub home: Home,
    /// Whether the node is a container.
    pub container: bool,
}

/// Keeps a part of the agent running: reports failures and retries, unless they are permanent.
pub async fn patiently<F: Future<Output = Result<(), Fault>>>(board: &Board, part: impl Fn() -> F) {
    for pause in BACK_OFF.build() {
        let Err(fault) = part().await else { return };
        tracing::error!(code = fault.problem.code, "{fault}");
        board.fault(&fault);
        if fault.permanent {
            return;
        }
        tokio::time::sleep(pause).await;
        board.clear_fault();
    }
}
