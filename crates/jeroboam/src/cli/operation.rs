//! `jeroboam operation ...`.

use clap::{Args, Subcommand};
use jeroboam_types::operation::{Operation, OperationStatus, StepStatus};
use uuid::Uuid;

use super::Context;
use super::failure::Failure;
use super::output::{Shown, moment, say};
use super::progress::{age, between, causes, duration};
use super::style::{BOLD, DIM, WARN, paint, status};
use super::watch::{WatchArgs, follow, newest, of};

#[derive(Debug, Subcommand)]
pub(crate) enum OperationCommand {
    /// List the newest operations, also on deleted clusters.
    #[command(after_help = "Examples:\n  jeroboam operation list\n  jeroboam operation list --bay demo")]
    List {
        /// Only operations on this cluster: name or id.
        #[arg(long, visible_alias = "cluster", value_name = "NAME")]
        bay: Option<String>,
    },
    /// Show everything about an operation, with its steps.
    #[command(after_help = "Examples:\n  jeroboam operation show demo\n  jeroboam operation show 2f1c0c5e-… -o json")]
    Show(OperationIdent),
    /// Follow an operation until it finishes.
    #[command(after_help = "Examples:\n  jeroboam operation watch demo")]
    Watch(OperationIdent),
    /// Cancel an operation. What it has created stays; retry or delete the cluster afterwards.
    #[command(after_help = "Examples:\n  jeroboam operation cancel demo")]
    Cancel(OperationIdent),
    /// Retry what failed on a cluster.
    #[command(after_help = "Examples:\n  jeroboam operation retry demo")]
    Retry {
        #[command(flatten)]
        ident: OperationIdent,

        #[command(flatten)]
        watch: WatchArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OperationIdent {
    /// Id of the operation, or name or id of a cluster for its newest one.
    #[arg(value_name = "OPERATION|CLUSTER")]
    operation: String,
}

impl OperationIdent {
    /// Resolves the operation, never to one of another cluster: a name that several clusters have is refused.
    async fn find(&self, context: &Context) -> Result<Operation, Failure> {
        let client = &context.client;
        if let Ok(uuid) = self.operation.parse::<Uuid>() {
            match client.operation(uuid).await {
                Err(error) if error.is_not_found() => {}
                other => return Ok(other?),
            }
        }
        let newest = match client.cluster(&self.operation).await {
            Ok(cluster) => newest(context, &cluster.uuid).await?,
            // The cluster may be deleted. Its operations are finished then, and can only be shown.
            Err(error) if error.is_not_found() => newest(context, &self.operation).await?,
            Err(error) if error.is_ambiguous() => return Err(several(context, &self.operation, error).await?),
            Err(error) => return Err(error.into()),
        };
        Ok(client.operation(newest.uuid).await?)
    }
}

/// The error for a name that several clusters have, with their ids.
async fn several(context: &Context, name: &str, error: jeroboam_client::Error) -> Result<Failure, Failure> {
    let clusters = context.client.clusters().await?;
    let ids: Vec<String> = clusters
        .iter()
        .filter(|cluster| cluster.name.as_deref() == Some(name))
        .map(|cluster| format!("\n  {}  {}", cluster.uuid, cluster.status))
        .collect();
    // They may be in projects that this user cannot list.
    if ids.is_empty() {
        return Ok(error.into());
    }
    let count = ids.len();
    Ok(Failure::Other(anyhow::anyhow!("{count} clusters are named {name}. Give the id of one:{}", ids.concat())))
}

impl Shown for Operation {
    const COLUMNS: &'static [&'static str] = &["UUID", "KIND", "CLUSTER", "STATUS", "TOOK", "AGE"];
    const SPARE: &'static [&'static str] = &["TOOK", "AGE"];

    fn row(&self) -> Vec<String> {
        vec![
            self.uuid.to_string(),
            self.kind.to_string(),
            self.cluster_name.clone(),
            status(&self.status.to_string()),
            took(self.started_at, self.finished_at),
            age(between(self.created_at, jiff::Timestamp::now())),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("uuid", self.uuid.to_string()),
            ("kind", self.kind.to_string()),
            ("cluster", format!("{} ({})", self.cluster_name, self.cluster_uuid)),
            ("status", status(&self.status.to_string())),
            ("took", took(self.started_at, self.finished_at)),
            ("requested", moment(Some(self.created_at))),
            ("started", moment(self.started_at)),
            ("finished", moment(self.finished_at)),
            ("deadline", moment(self.deadline_at)),
            ("request", self.request_id.clone()),
            ("user", self.user_id.clone()),
        ]
    }

    fn name(&self) -> String {
        self.uuid.to_string()
    }
}

fn took(start: Option<jiff::Timestamp>, end: Option<jiff::Timestamp>) -> String {
    let (Some(start), Some(end)) = (start, end) else { return "-".to_owned() };
    duration(between(start, end))
}

impl OperationCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List { bay } => {
                let operations = context.client.operations(bay.as_deref()).await?;
                context.out.list(&operations, "There is no operation yet.")
            }
            Self::Show(ident) => show(context, &ident.find(context).await?),
            Self::Watch(ident) => {
                let operation = ident.find(context).await?;
                let operation = follow(context, operation.uuid).await?;
                if context.out.is_for_people() { Ok(()) } else { context.out.one(&operation) }
            }
            Self::Cancel(ident) => {
                let operation = ident.find(context).await?;
                let operation = context.client.cancel_operation(operation.uuid).await?;
                let sentence = if operation.status == OperationStatus::Cancelled {
                    format!("{} of {} is cancelled", operation.kind, operation.cluster_name)
                } else {
                    format!("{} of {} will be cancelled after its current step", operation.kind, operation.cluster_name)
                };
                context.out.told(&operation, &sentence)
            }
            Self::Retry { ident, watch } => {
                let failed = ident.find(context).await?;
                let accepted = context.client.retry_cluster(&failed.cluster_uuid.to_string(), false).await?;
                let operation = of(context, &accepted).await?;
                if watch.wanted() {
                    return follow(context, operation.uuid).await.map(drop);
                }
                let sentence = format!(
                    "{} of {} is retried. Follow it: jeroboam operation watch {}",
                    operation.kind, operation.cluster_name, operation.uuid
                );
                context.out.told(&operation, &sentence)
            }
        }
    }
}

fn show(context: &Context, operation: &Operation) -> Result<(), Failure> {
    context.out.one(operation)?;
    if !context.out.is_for_people() {
        return Ok(());
    }
    if !operation.steps.is_empty() {
        say(&format!("\n{}", steps(operation)))?;
    }
    match &operation.cause {
        Some(cause) if operation.status != OperationStatus::Succeeded => {
            say(&format!("\n{}{}", paint(BOLD, "Why"), causes(cause)))
        }
        _ => Ok(()),
    }
}

/// One line per step; the cause is below it if it failed or is blocked.
fn steps(operation: &Operation) -> String {
    let width = operation.steps.iter().map(|step| step.title.chars().count()).max().unwrap_or_default();
    let mut text = paint(BOLD, &format!("{:<width$}  {:<8}  {:>5}  TOOK", "STEP", "STATUS", "TRIED"));
    for step in &operation.steps {
        let word = step.status.to_string();
        text += &format!(
            "\n{:<width$}  {}{}  {:>5}  {}",
            step.title,
            status(&word),
            " ".repeat(8_usize.saturating_sub(word.len())),
            step.attempts,
            took(step.started_at, step.finished_at)
        );
        if let Some(cause) = &step.cause
            && matches!(step.status, StepStatus::Failed | StepStatus::Blocked)
        {
            text += &causes(cause);
        } else if let Some(progress) = step.progress.as_deref().filter(|_| step.status == StepStatus::Running) {
            text += &format!("\n    {}", paint(DIM, progress));
        }
        if let Some(because) = &step.added_because {
            text += &format!("\n    {}", paint(WARN, &format!("not planned at first: {because}")));
        }
    }
    text
}

#[cfg(test)]
#[path = "operation_tests.rs"]
mod tests;
