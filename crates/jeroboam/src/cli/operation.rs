//! `jeroboam operation ...`.

use clap::{Args, Subcommand};
use jeroboam_types::operation::{Operation, OperationStatus, StepStatus};
use uuid::Uuid;

use super::Context;
use super::failure::Failure;
use super::output::{Shown, or_dash, say};
use super::progress::{between, causes, duration};
use super::style::{BOLD, DIM, paint, status};
use super::watch::{WatchArgs, follow, newest, of};

#[derive(Debug, Subcommand)]
pub(crate) enum OperationCommand {
    /// The newest ones, also of clusters that are gone.
    #[command(after_help = "Examples:\n  jeroboam operation list\n  jeroboam operation list --bay demo")]
    List {
        /// Of this cluster only: name or id.
        #[arg(long, visible_alias = "cluster", value_name = "NAME")]
        bay: Option<String>,
    },
    /// Everything about one, with its steps.
    #[command(after_help = "Examples:\n  jeroboam operation show demo\n  jeroboam operation show 2f1c0c5e-… -o json")]
    Show(OperationIdent),
    /// Follow one until it ends.
    #[command(after_help = "Examples:\n  jeroboam operation watch demo")]
    Watch(OperationIdent),
    /// End one before its time. What it has made stays; retry or delete the cluster afterwards.
    #[command(after_help = "Examples:\n  jeroboam operation cancel demo")]
    Cancel(OperationIdent),
    /// Do once more what failed.
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
    operation: String,
}

impl OperationIdent {
    async fn find(&self, context: &Context) -> Result<Operation, Failure> {
        if let Ok(uuid) = self.operation.parse::<Uuid>() {
            match context.client.operation(uuid).await {
                Err(error) if error.is_not_found() => {}
                other => return Ok(other?),
            }
        }
        let newest = newest(context, &self.operation).await?;
        Ok(context.client.operation(newest.uuid).await?)
    }
}

impl Shown for Operation {
    const COLUMNS: &'static [&'static str] = &["UUID", "KIND", "CLUSTER", "STATUS", "TOOK", "ASKED FOR"];

    fn row(&self) -> Vec<String> {
        vec![
            self.uuid.to_string(),
            self.kind.to_string(),
            self.cluster_name.clone(),
            status(&self.status.to_string()),
            took(self.started_at, self.finished_at),
            time(Some(self.created_at)),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("uuid", self.uuid.to_string()),
            ("kind", self.kind.to_string()),
            ("cluster", format!("{} ({})", self.cluster_name, self.cluster_uuid)),
            ("status", status(&self.status.to_string())),
            ("took", took(self.started_at, self.finished_at)),
            ("asked for", time(Some(self.created_at))),
            ("started", time(self.started_at)),
            ("ended", time(self.finished_at)),
            ("given up", time(self.deadline_at)),
            ("request", self.request_id.clone()),
            ("user", self.user_id.clone()),
        ]
    }

    fn name(&self) -> String {
        self.uuid.to_string()
    }
}

fn time(at: Option<jiff::Timestamp>) -> String {
    or_dash(at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).as_deref())
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
                context.out.list(&operations, "Nothing has been done yet.")
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
                    format!("{} of {} ends after the step that it is at", operation.kind, operation.cluster_name)
                };
                context.out.told(&operation, &sentence)
            }
            Self::Retry { ident, watch } => {
                let failed = ident.find(context).await?;
                let accepted = context.client.retry_cluster(&failed.cluster_uuid.to_string()).await?;
                let operation = of(context, &accepted).await?;
                if watch.wanted() {
                    return follow(context, operation.uuid).await.map(drop);
                }
                let sentence = format!(
                    "{} of {} is tried again. Follow it: jeroboam operation watch {}",
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

/// One line per step, and its cause below it where it is in trouble.
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
    }
    text
}
