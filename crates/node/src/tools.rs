//! What the parts of the agent work with.

use std::sync::Arc;
use std::time::Duration;

use crate::board::Board;
use crate::fault::Fault;
use crate::home::Home;
use crate::process::Supervisor;
use crate::process::back_off::BackOff;

/// First and longest wait before a part of the agent that failed is begun again.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

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
    let mut back_off = BackOff::new(BACK_OFF.0, BACK_OFF.1);
    while let Err(fault) = part().await {
        tracing::error!(code = fault.problem.code, "{fault}");
        board.fault(&fault);
        if fault.permanent {
            return;
        }
        tokio::time::sleep(back_off.wait()).await;
        board.clear_fault();
    }
}
