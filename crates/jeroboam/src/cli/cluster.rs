//! `jeroboam bay ...`, which is also `jeroboam cluster ...`.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use jeroboam_client::Change;
use jeroboam_types::v1::ClusterCreate;

use super::cluster_change::{RepairArgs, ResizeArgs, RetryArgs, UpdateArgs, UpgradeArgs};
use super::cluster_config::ConfigArgs;
use super::cluster_view::{ClusterView, view};
use super::failure::Failure;
use super::output::Shown;
use super::plan::PlanArgs;
use super::style::{BOLD, paint, status};
use super::watch::{WatchArgs, finished};
use super::{Context, Spelling, number};

#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// List the bays of the project.
    #[command(after_help = "Examples:\n  jeroboam bay list\n  jeroboam bay list -o name")]
    List,
    /// Show everything about a bay.
    #[command(after_help = "Examples:\n  jeroboam bay show demo\n  jeroboam bay show demo -o json")]
    Show(Ident),
    /// Create a bay.
    #[command(after_help = "Examples:
  jeroboam bay create demo --baymodel kubernetes --node-count 2
  jeroboam bay create blue --baymodel swarm --no-wait
  jeroboam bay create demo --baymodel kubernetes --plan
  jeroboam bay create old --baymodel kubernetes --merge-labels \\
    --labels kube_tag=v1.37.2,flannel_backend=vxlan")]
    Create(CreateArgs),
    /// Change the number of nodes of a bay.
    #[command(after_help = "Examples:
  jeroboam bay update demo --node-count 3
  jeroboam bay update demo replace node_count=3
  jeroboam bay update demo remove node_count          back to one")]
    Update(UpdateArgs),
    /// Delete bays, whatever state they are in.
    #[command(after_help = "Examples:\n  jeroboam bay delete demo\n  jeroboam bay delete demo blue --no-wait")]
    Delete(DeleteArgs),
    /// Change the number of nodes of a node group.
    #[command(
        visible_alias = "scale",
        after_help = "Examples:\n  jeroboam bay resize demo 4\n  jeroboam bay scale demo 1 --remove demo-worker-2\n  \
                      jeroboam bay resize demo 1 --plan --out demo.plan\n  jeroboam bay resize demo 1 --apply demo.plan"
    )]
    Resize(ResizeArgs),
    /// Move a bay to another template.
    #[command(after_help = "Examples:
  jeroboam bay upgrade demo kubernetes-next
  jeroboam bay upgrade demo kubernetes-next --max-batch-size 2")]
    Upgrade(UpgradeArgs),
    /// Write what kubectl or docker need to reach a bay.
    #[command(after_help = "Examples:
  eval \"$(jeroboam bay config demo --dir ~/demo)\" && kubectl get nodes
  jeroboam bay config demo --merge
  jeroboam bay config demo --stdout")]
    Config(ConfigArgs),
    /// Show node groups, nodes and components of a bay as a tree, with their health.
    #[command(after_help = "Examples:\n  jeroboam bay topology demo\n  jeroboam bay topology demo -o yaml")]
    Topology(Ident),
    /// Retry what failed on a bay.
    #[command(after_help = "Examples:\n  jeroboam bay retry demo\n  jeroboam bay retry demo --replace-data")]
    Retry(RetryArgs),
    /// Repair what is missing or broken in a bay, now. Without this command, it is repaired soon after it is detected.
    #[command(after_help = "Examples:\n  jeroboam bay repair demo\n  jeroboam bay repair demo --replace-data")]
    Repair(RepairArgs),
    /// Pause a bay for maintenance: nothing is repaired unless somebody asks for it.
    #[command(after_help = "Examples:\n  jeroboam bay pause demo")]
    Pause(Ident),
    /// Resume automatic repair.
    #[command(after_help = "Examples:\n  jeroboam bay resume demo")]
    Resume(Ident),
    /// Explain what is wrong with a bay: since when, what was tried, who must act and which command to run.
    #[command(after_help = "Examples:\n  jeroboam bay why demo\n  jeroboam bay why demo -o json")]
    Why(Ident),
}

/// Names one cluster.
#[derive(Debug, Args)]
pub(crate) struct Ident {
    /// Name or id of the cluster.
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Name: a letter, then letters, digits, '_', '.', '-'. By default the server generates one.
    name: Option<String>,

    /// The name as an option, as Magnum's first client had it.
    #[arg(long = "name", value_name = "NAME", hide = true, conflicts_with = "name")]
    name_option: Option<String>,

    /// Name or id of the cluster template.
    #[arg(long, visible_alias = "cluster-template", alias = "template", value_name = "NAME")]
    baymodel: String,

    /// Number of worker nodes.
    #[arg(long, value_name = "NUMBER", value_parser = number::<i64>, allow_negative_numbers = true)]
    node_count: Option<i64>,

    /// Number of masters; must be odd.
    #[arg(long, value_name = "NUMBER", value_parser = number::<i64>, allow_negative_numbers = true)]
    master_count: Option<i64>,

    /// Labels. They replace those of the template, unless --merge-labels is given.
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label)]
    labels: Vec<(String, String)>,

    /// Merge the labels with those of the template.
    #[arg(long)]
    merge_labels: bool,

    /// Minutes until the creation times out.
    #[arg(long, value_name = "MINUTES", value_parser = number::<u32>, allow_negative_numbers = true)]
    timeout: Option<u32>,

    /// Flavor of the nodes.
    #[arg(long, value_name = "FLAVOR")]
    flavor: Option<String>,

    /// Flavor of the masters.
    #[arg(long, value_name = "FLAVOR")]
    master_flavor: Option<String>,

    /// SSH keypair for the machines.
    #[arg(long, value_name = "NAME")]
    keypair: Option<String>,

    /// Size in GB of each node's volume for images and containers.
    #[arg(long, value_name = "GB", value_parser = number::<u32>, allow_negative_numbers = true)]
    docker_volume_size: Option<u32>,

    /// Stored and shown only: clusters need no discovery service.
    #[arg(long, value_name = "URL", hide = true)]
    discovery_url: Option<String>,

    /// Network of the nodes.
    #[arg(long, value_name = "NETWORK")]
    fixed_network: Option<String>,

    /// Subnet of the nodes.
    #[arg(long, value_name = "SUBNET")]
    fixed_subnet: Option<String>,

    /// Give nodes floating addresses.
    #[arg(long)]
    floating_ip_enabled: bool,

    /// Give nodes no floating addresses, even if the template does.
    #[arg(long, conflicts_with = "floating_ip_enabled")]
    floating_ip_disabled: bool,

    /// Put a load balancer in front of the masters.
    #[arg(long)]
    master_lb_enabled: bool,

    /// Put no load balancer in front of the masters, even if the template does.
    #[arg(long, conflicts_with = "master_lb_enabled")]
    master_lb_disabled: bool,

    #[command(flatten)]
    plan: PlanArgs,

    #[command(flatten)]
    watch: WatchArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Names or ids of the clusters.
    #[arg(required = true)]
    names: Vec<String>,

    #[command(flatten)]
    plan: PlanArgs,

    #[command(flatten)]
    watch: WatchArgs,
}

/// The value of two opposite options; none when neither is given.
pub(crate) fn switch(yes: bool, no: bool) -> Option<bool> {
    match (yes, no) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    }
}

/// Reads `KEY=VALUE`.
pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("must be KEY=VALUE".to_owned()),
    }
}

impl ClusterCommand {
    pub(crate) async fn run(self, context: &Context, spelling: Spelling) -> Result<(), Failure> {
        match self {
            Self::List => list(context, spelling).await,
            Self::Show(ident) => {
                let view = view(context, &ident.name).await?;
                context.out.one(&view)
            }
            Self::Create(arguments) => create(context, spelling, arguments).await,
            Self::Update(arguments) => arguments.run(context, spelling).await,
            Self::Delete(arguments) => delete(context, spelling, arguments).await,
            Self::Resize(arguments) => arguments.run(context, spelling).await,
            Self::Upgrade(arguments) => arguments.run(context, spelling).await,
            Self::Config(arguments) => super::cluster_config::run(context, arguments).await,
            Self::Topology(ident) => super::topology::run(context, &ident.name).await,
            Self::Retry(arguments) => arguments.run(context, spelling).await,
            Self::Repair(arguments) => arguments.run(context, spelling).await,
            Self::Pause(ident) => {
                context.client.pause_cluster(&ident.name).await?;
                done(context, &ident.name, "is paused: nothing of it is repaired unless you ask").await
            }
            Self::Resume(ident) => {
                context.client.resume_cluster(&ident.name).await?;
                done(context, &ident.name, "is not paused: what is missing is repaired automatically").await
            }
            Self::Why(ident) => super::why::run(context, &ident.name).await,
        }
    }
}

async fn done(context: &Context, ident: &str, what: &str) -> Result<(), Failure> {
    let view = view(context, ident).await?;
    let sentence = format!("{} {what}", view.cluster.name.as_deref().unwrap_or(ident));
    context.out.told(&view, &sentence)
}

async fn list(context: &Context, spelling: Spelling) -> Result<(), Failure> {
    let clusters = context.client.clusters().await?;
    let names: BTreeMap<String, String> = if context.out.is_for_people() && !clusters.is_empty() {
        let templates = context.client.templates().await?;
        templates.into_iter().filter_map(|template| Some((template.uuid, template.name?))).collect()
    } else {
        BTreeMap::new()
    };
    let views: Vec<ClusterView> = clusters
        .into_iter()
        .map(|cluster| {
            let template = names.get(&cluster.cluster_template_id).unwrap_or(&cluster.cluster_template_id).clone();
            ClusterView { cluster, template, engine_version: None }
        })
        .collect();
    let nothing = format!(
        "There is no {} yet. Create one: jeroboam {0} create demo --{} kubernetes",
        spelling.cluster(),
        spelling.template()
    );
    context.out.list(&views, &nothing)
}

/// Bays have at least one node (contract magnum-v1 section 2.11).
pub(super) fn check_count(spelling: Spelling, node_count: Option<i64>) -> Result<(), Failure> {
    if spelling == Spelling::First && node_count == Some(0) {
        return Err(Failure::Usage(
            "--node-count 0: a bay has at least one node. Use `jeroboam cluster` for one without nodes".to_owned(),
        ));
    }
    Ok(())
}

async fn create(context: &Context, spelling: Spelling, arguments: CreateArgs) -> Result<(), Failure> {
    check_count(spelling, arguments.node_count)?;
    let (watch, plan) = (arguments.watch, arguments.plan);
    let body = ClusterCreate {
        name: arguments.name.or(arguments.name_option),
        cluster_template_id: arguments.baymodel,
        keypair: arguments.keypair,
        node_count: arguments.node_count,
        master_count: arguments.master_count,
        docker_volume_size: arguments.docker_volume_size,
        labels: (!arguments.labels.is_empty()).then(|| arguments.labels.into_iter().collect()),
        merge_labels: arguments.merge_labels.then_some(true),
        master_flavor_id: arguments.master_flavor,
        flavor_id: arguments.flavor,
        create_timeout: arguments.timeout,
        discovery_url: arguments.discovery_url,
        fixed_network: arguments.fixed_network,
        fixed_subnet: arguments.fixed_subnet,
        floating_ip_enabled: switch(arguments.floating_ip_enabled, arguments.floating_ip_disabled),
        master_lb_enabled: switch(arguments.master_lb_enabled, arguments.master_lb_disabled),
    };
    let Some(accepted) = plan.ask(context, Change::CreateCluster(&body)).await? else { return Ok(()) };
    if !finished(context, &accepted, watch).await? {
        let view = view(context, &accepted.cluster).await?;
        let uuid = &accepted.cluster;
        let sentence = format!(
            "{} {} is being created. Follow it: jeroboam operation watch {uuid}",
            spelling.cluster(),
            paint(BOLD, &view.name())
        );
        return context.out.told(&view, &sentence);
    }
    tell(context, spelling, &accepted.cluster).await
}

async fn delete(context: &Context, spelling: Spelling, arguments: DeleteArgs) -> Result<(), Failure> {
    arguments.plan.check_one(arguments.names.len())?;
    let mut going = Vec::new();
    for ident in &arguments.names {
        let cluster = context.client.cluster(ident).await?;
        if let Some(accepted) = arguments.plan.ask(context, Change::DeleteCluster(&cluster.uuid)).await? {
            going.push((cluster, accepted));
        }
    }
    for (cluster, accepted) in going {
        let name = cluster.name.clone().unwrap_or_else(|| cluster.uuid.clone());
        if !finished(context, &accepted, arguments.watch).await? {
            let uuid = cluster.uuid.clone();
            let view = ClusterView { template: cluster.cluster_template_id.clone(), cluster, engine_version: None };
            let sentence =
                format!("{} {name} is being deleted. Follow it: jeroboam operation watch {uuid}", spelling.cluster());
            context.out.told(&view, &sentence)?;
        }
    }
    Ok(())
}

/// Prints the status of a cluster after an operation, and the next command.
pub(super) async fn tell(context: &Context, spelling: Spelling, uuid: &str) -> Result<(), Failure> {
    let view = view(context, uuid).await?;
    let name = view.name();
    let noun = spelling.cluster();
    let address = view.cluster.api_address.as_deref().map(|address| format!(" at {address}")).unwrap_or_default();
    let sentence = format!(
        "{noun} {} is {}{address}\nReach it: {}",
        paint(BOLD, &name),
        status(&view.cluster.status),
        paint(BOLD, &format!("jeroboam {noun} config {name}"))
    );
    context.out.told(&view, &sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bay_has_a_node_and_a_cluster_may_have_none() {
        assert!(check_count(Spelling::First, Some(0)).is_err());
        assert!(check_count(Spelling::First, None).is_ok());
        assert!(check_count(Spelling::Today, Some(0)).is_ok());
    }

    #[test]
    fn labels_may_have_equals_signs_and_nothing_in_their_values() {
        assert_eq!(label("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(label("a="), Ok(("a".to_owned(), String::new())));
        assert!(label("a").is_err() && label("=b").is_err());
    }
}
