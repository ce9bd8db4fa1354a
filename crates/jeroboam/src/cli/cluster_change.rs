//! How `jeroboam bay ...` changes an existing cluster: update, resize, upgrade, retry, repair.

use clap::Args;
use jeroboam_client::Change;
use jeroboam_client::cluster::Accepted;
use jeroboam_types::operation::OperationKind;
use jeroboam_types::v1::{ResizeRequest, UpgradeRequest};

use super::cluster::{check_count, tell};
use super::cluster_view::view;
use super::failure::Failure;
use super::output::complain;
use super::patch::{PatchArgs, replace};
use super::plan::PlanArgs;
use super::watch::{WatchArgs, finished, follow, of};
use super::{Context, Spelling, number};

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Name or id of the cluster.
    name: String,

    #[command(flatten)]
    patch: PatchArgs,

    /// Number of worker nodes.
    #[arg(long, value_name = "NUMBER", value_parser = number::<i64>, allow_negative_numbers = true, conflicts_with = "op")]
    node_count: Option<i64>,

    /// Accepted for Magnum's client, without effect: retry or delete the cluster after a failure.
    #[arg(long, hide = true)]
    rollback: bool,

    #[command(flatten)]
    plan: PlanArgs,

    #[command(flatten)]
    watch: WatchArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ResizeArgs {
    /// Name or id of the cluster.
    name: String,

    /// Target number of nodes.
    #[arg(value_name = "NUMBER", value_parser = number::<i64>, allow_negative_numbers = true)]
    node_count: i64,

    /// Node group; by default that of the first workers.
    #[arg(long, value_name = "NAME")]
    nodegroup: Option<String>,

    /// Nodes to remove first when scaling down.
    #[arg(long, alias = "nodes-to-remove", value_name = "NODE", value_delimiter = ',')]
    remove: Vec<String>,

    #[command(flatten)]
    plan: PlanArgs,

    #[command(flatten)]
    watch: WatchArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UpgradeArgs {
    /// Name or id of the cluster.
    name: String,

    /// Name or id of the target template.
    template: String,

    /// Number of nodes to replace at a time.
    #[arg(long, value_name = "NUMBER", value_parser = number::<u32>, allow_negative_numbers = true)]
    max_batch_size: Option<u32>,

    /// Node group; by default that of the first workers.
    #[arg(long, value_name = "NAME")]
    nodegroup: Option<String>,

    #[command(flatten)]
    plan: PlanArgs,

    #[command(flatten)]
    watch: WatchArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// Name or id of the cluster.
    name: String,

    /// If the disk with the only copy of the cluster's state is lost, create an empty one instead. Everything in the
    /// cluster is lost then.
    #[arg(long)]
    replace_data: bool,

    #[command(flatten)]
    plan: PlanArgs,

    #[command(flatten)]
    watch: WatchArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    /// Name or id of the cluster.
    name: String,

    /// If the disk with the only copy of the cluster's state is lost, create an empty one instead. Everything in the
    /// cluster is lost then.
    #[arg(long)]
    replace_data: bool,

    #[command(flatten)]
    plan: PlanArgs,

    #[command(flatten)]
    watch: WatchArgs,
}

impl RepairArgs {
    pub(super) async fn run(self, context: &Context, spelling: Spelling) -> Result<(), Failure> {
        let change = Change::RepairCluster(&self.name, self.replace_data);
        let Some(accepted) = self.plan.ask(context, change).await? else { return Ok(()) };
        told(context, spelling, &accepted, self.watch, "being repaired").await
    }
}

impl UpdateArgs {
    pub(super) async fn run(self, context: &Context, spelling: Spelling) -> Result<(), Failure> {
        check_count(spelling, self.node_count)?;
        let mut patch = self.patch.operations()?;
        patch.extend(self.node_count.map(|count| replace("node_count", &count.to_string())));
        if patch.is_empty() {
            return Err(Failure::Usage("nothing to change. Give --node-count NUMBER".to_owned()));
        }
        let change = Change::UpdateCluster(&self.name, &patch);
        let Some(accepted) = self.plan.ask(context, change).await? else { return Ok(()) };
        if accepted.operation.is_none() {
            return tell(context, spelling, &accepted.cluster).await;
        }
        told(context, spelling, &accepted, self.watch, "being updated").await
    }
}

impl ResizeArgs {
    pub(super) async fn run(self, context: &Context, spelling: Spelling) -> Result<(), Failure> {
        let body =
            ResizeRequest { node_count: self.node_count, nodes_to_remove: self.remove, nodegroup: self.nodegroup };
        if body.nodegroup.is_none() {
            check_count(spelling, Some(body.node_count))?;
        }
        let change = Change::ResizeCluster(&self.name, &body);
        let Some(accepted) = self.plan.ask(context, change).await? else { return Ok(()) };
        told(context, spelling, &accepted, self.watch, "being resized").await
    }
}

impl UpgradeArgs {
    pub(super) async fn run(self, context: &Context, spelling: Spelling) -> Result<(), Failure> {
        let body = UpgradeRequest {
            cluster_template: self.template,
            max_batch_size: self.max_batch_size,
            nodegroup: self.nodegroup,
        };
        let change = Change::UpgradeCluster(&self.name, &body);
        let Some(accepted) = self.plan.ask(context, change).await? else { return Ok(()) };
        told(context, spelling, &accepted, self.watch, "being upgraded").await
    }
}

impl RetryArgs {
    pub(super) async fn run(self, context: &Context, spelling: Spelling) -> Result<(), Failure> {
        let change = Change::RetryCluster(&self.name, self.replace_data);
        let Some(accepted) = self.plan.ask(context, change).await? else { return Ok(()) };
        let operation = of(context, &accepted).await?;
        if self.replace_data {
            complain(&format!(
                "warning: if the disk with the state of {} is lost, an empty cluster replaces it",
                operation.cluster_name
            ))?;
        }
        if !self.watch.wanted() {
            let what = format!("retried: {} (operation {})", operation.kind, operation.uuid);
            return told(context, spelling, &accepted, self.watch, &what).await;
        }
        let operation = follow(context, operation.uuid).await?;
        if operation.kind == OperationKind::Delete {
            return Ok(());
        }
        tell(context, spelling, &accepted.cluster).await
    }
}

/// Follows the operation if requested and then prints the cluster's status; else prints that the operation is running.
pub(super) async fn told(
    context: &Context,
    spelling: Spelling,
    accepted: &Accepted,
    watch: WatchArgs,
    what: &str,
) -> Result<(), Failure> {
    if finished(context, accepted, watch).await? {
        return tell(context, spelling, &accepted.cluster).await;
    }
    let view = view(context, &accepted.cluster).await?;
    let name = view.cluster.name.as_deref().unwrap_or(&view.cluster.uuid);
    // By id: other clusters may have the same name.
    let operation = accepted.operation.map_or_else(|| view.cluster.uuid.clone(), |uuid| uuid.to_string());
    let sentence = format!("{} {name} is {what}. Follow it: jeroboam operation watch {operation}", spelling.cluster());
    context.out.told(&view, &sentence)
}
