//! Following an operation until it finishes.

use std::io::IsTerminal;
use std::pin::pin;

use futures::StreamExt;
use jeroboam_client::cluster::Accepted;
use jeroboam_types::operation::{Operation, OperationStatus};
use jiff::Timestamp;
use uuid::Uuid;

use super::Context;
use super::failure::Failure;
use super::output::{Printer, complain};
use super::progress::{self, Progress, Target};
use super::style::{BOLD, DIM, paint};

/// Options for following an operation.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct WatchArgs {
    /// Follow the operation until it finishes. This is the default on a terminal.
    #[arg(long, conflicts_with = "no_wait")]
    pub(crate) watch: bool,

    /// Return as soon as the request is accepted.
    #[arg(long, alias = "no-watch")]
    pub(crate) no_wait: bool,
}

impl WatchArgs {
    /// Whether to follow: as the options say, else only on a terminal.
    pub(crate) fn wanted(self) -> bool {
        self.watch || (!self.no_wait && std::io::stdout().is_terminal())
    }
}

/// The newest operation of a cluster.
pub(crate) async fn newest(context: &Context, cluster: &str) -> Result<Operation, Failure> {
    let operations = context.client.operations(Some(cluster)).await?;
    let newest = operations.into_iter().next();
    newest.ok_or_else(|| {
        Failure::NotFound(format!("there is no operation on a cluster {cluster}; see `jeroboam operation list`"))
    })
}

/// The operation that an accepted request started.
pub(crate) async fn of(context: &Context, accepted: &Accepted) -> Result<Operation, Failure> {
    match accepted.operation {
        Some(uuid) => Ok(context.client.operation(uuid).await?),
        None => newest(context, &accepted.cluster).await,
    }
}

/// Follows the operation of a request if wanted, and returns whether it did.
pub(crate) async fn finished(context: &Context, accepted: &Accepted, watch: WatchArgs) -> Result<bool, Failure> {
    if !watch.wanted() {
        return Ok(false);
    }
    let operation = of(context, accepted).await?;
    follow(context, operation.uuid).await?;
    Ok(true)
}

/// Shows the progress of an operation and its result.
///
/// # Errors
/// [`Failure::Operation`] when it did not succeed; its causes have been printed by then.
pub(crate) async fn follow(context: &Context, uuid: Uuid) -> Result<Operation, Failure> {
    let (target, is_terminal) = destination(context.out);
    let mut progress = Progress::new(target, is_terminal);
    let outcome = tokio::select! {
        outcome = run(context, uuid, &mut progress) => outcome,
        _ = tokio::signal::ctrl_c() => {
            progress.end();
            complain(&format!(
                "\nThe operation continues. Watch it again: {}\nCancel it: {}",
                paint(BOLD, &format!("jeroboam operation watch {uuid}")),
                paint(BOLD, &format!("jeroboam operation cancel {uuid}")),
            ))?;
            return Err(Failure::Interrupted);
        }
    };
    progress.end();
    let operation = outcome?;
    progress.print(&progress::summary(&operation))?;
    if operation.status == OperationStatus::Succeeded {
        return Ok(operation);
    }
    if operation.status == OperationStatus::Failed {
        let name = &operation.cluster_name;
        progress.print(&format!(
            "\n  Try again: {}   Give up: {}",
            paint(BOLD, &format!("jeroboam bay retry {name}")),
            paint(BOLD, &format!("jeroboam bay delete {name}")),
        ))?;
    }
    Err(Failure::Operation)
}

fn destination(out: Printer) -> (Target, bool) {
    if out.is_for_people() {
        (Target::Output, std::io::stdout().is_terminal())
    } else {
        (Target::Error, std::io::stderr().is_terminal())
    }
}

async fn run(context: &Context, uuid: Uuid, progress: &mut Progress) -> Result<Operation, Failure> {
    let mut states = pin!(context.client.watch_operation(uuid));
    let mut last = None;
    while let Some(state) = states.next().await {
        let operation = state?;
        if last.is_none() {
            progress.print(&format!(
                "{} of {} {}",
                operation.kind,
                paint(BOLD, &operation.cluster_name),
                paint(DIM, &format!("(operation {uuid})"))
            ))?;
        }
        progress.update(&operation, Timestamp::now())?;
        last = Some(operation);
    }
    last.ok_or_else(|| Failure::Other(anyhow::anyhow!("the server returned no state of operation {uuid}")))
}
