//! What the parts of the agent work with.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};

use crate::board::Board;
use crate::fault::Fault;
use crate::home::Home;
use crate::process::Supervisor;

/// Between the attempts at a part of the agent that failed.
const BACK_OFF: ExponentialBuilder = back_off(Duration::from_millis(500), Duration::from_secs(5));

/// Pauses that double from `first` to `longest`, without end. Jitter makes each up to twice as long, so that nodes that
/// lost the same thing do not ask for it together.
pub const fn back_off(first: Duration, longest: Duration) -> ExponentialBuilder {
    ExponentialBuilder::new().with_min_delay(first).with_max_delay(longest).without_max_times().with_jitter()
}

/// What bringing up a node works with.
#[derive(Debug, Clone)]
pub struct Tools {
    /// Where everything is reported.
    pub board: Arc<Board>,
    /// Runs the processes.
    pub supervisor: Arc<Supervisor>,
    /// Signs certificates.
    pub home: Home,
    /// Whether the node is a container.
    pub container: bool,
}

/// Keeps a part of the agent going: reports what goes wrong and tries again, unless that is useless.
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
