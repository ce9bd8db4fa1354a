//! `jeroboam nodegroup ...`.

use clap::{Args, Subcommand};
use jeroboam_client::Change;
use jeroboam_client::cluster::Accepted;
use jeroboam_types::v1::{NodeGroup, NodeGroupCreate, NodeTaint, PatchOperation};

use super::cluster::label;
use super::failure::Failure;
use super::output::{Shown, map, or_dash, time};
use super::patch::{PatchArgs, remove, replace};
use super::plan::PlanArgs;
use super::style::{BOLD, paint, status};
use super::watch::{WatchArgs, finished};
use super::{Context, number};

#[derive(Debug, Subcommand)]
pub(crate) enum NodeGroupCommand {
    /// List the node groups of a cluster.
    #[command(after_help = "Examples:\n  jeroboam nodegroup list demo\n  jeroboam nodegroup list demo --role worker")]
    List {
        /// Name or id of the cluster.
        cluster: String,
        /// Only node groups with this role.
        #[arg(long, value_name = "ROLE")]
        role: Option<String>,
    },
    /// Show everything about a node group.
    #[command(after_help = "Examples:\n  jeroboam nodegroup show demo default-worker")]
    Show {
        /// Name or id of the cluster.
        cluster: String,
        /// Name or id of the node group.
        name: String,
    },
    /// Add a node group to a cluster.
    #[command(after_help = "Examples:
  jeroboam nodegroup create demo large --node-count 2 --flavor m1.large
  jeroboam nodegroup create demo gpu --node-labels accelerator=x \\
    --node-taints gpu=yes:NoSchedule")]
    Create(Box<CreateArgs>),
    /// Change bounds, labels and taints. To change the number of nodes: `jeroboam cluster resize`.
    #[command(after_help = "Examples:
  jeroboam nodegroup update demo gpu --min-nodes 1 --max-nodes 5
  jeroboam nodegroup update demo gpu --node-labels accelerator=y
  jeroboam nodegroup update demo gpu remove max_node_count node_taints")]
    Update(UpdateArgs),
    /// Delete node groups with their nodes.
    #[command(after_help = "Examples:\n  jeroboam nodegroup delete demo gpu")]
    Delete {
        /// Name or id of the cluster.
        cluster: String,
        /// Names or ids of the node groups.
        #[arg(required = true)]
        names: Vec<String>,
        #[command(flatten)]
        plan: PlanArgs,
        #[command(flatten)]
        watch: WatchArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Name or id of the cluster.
    cluster: String,

    /// Name, unique in the cluster.
    name: String,

    /// Number of nodes.
    #[arg(long, value_name = "NUMBER", value_parser = number::<i64>, allow_negative_numbers = true)]
    node_count: Option<i64>,

    /// Minimum number of nodes.
    #[arg(long, alias = "min-node-count", value_name = "NUMBER", value_parser = number::<i64>, allow_negative_numbers = true)]
    min_nodes: Option<i64>,

    /// Maximum number of nodes.
    #[arg(long, alias = "max-node-count", value_name = "NUMBER", value_parser = number::<i64>, allow_negative_numbers = true)]
    max_nodes: Option<i64>,

    /// Role: a word of your own by which autoscalers select groups.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,

    /// Flavor of the nodes.
    #[arg(long, alias = "flavor-id", value_name = "FLAVOR")]
    flavor: Option<String>,

    /// Image of the nodes.
    #[arg(long, alias = "image-id", value_name = "IMAGE")]
    image: Option<String>,

    /// Size in GB of each node's volume for images and containers.
    #[arg(long, value_name = "GB", value_parser = number::<u32>, allow_negative_numbers = true)]
    docker_volume_size: Option<u32>,

    /// Labels. They replace those of the cluster, unless --merge-labels is given.
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label)]
    labels: Vec<(String, String)>,

    /// Merge the labels with those of the cluster.
    #[arg(long)]
    merge_labels: bool,

    #[command(flatten)]
    marks: MarkArgs,

    #[command(flatten)]
    plan: PlanArgs,

    #[command(flatten)]
    watch: WatchArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Name or id of the cluster.
    cluster: String,

    /// Name or id of the node group.
    name: String,

    #[command(flatten)]
    patch: PatchArgs,

    /// Minimum number of nodes.
    #[arg(long, alias = "min-node-count", value_name = "NUMBER", value_parser = number::<i64>, allow_negative_numbers = true)]
    min_nodes: Option<i64>,

    /// Maximum number of nodes; 0 for no maximum.
    #[arg(long, alias = "max-node-count", value_name = "NUMBER", value_parser = number::<i64>, allow_negative_numbers = true)]
    max_nodes: Option<i64>,

    #[command(flatten)]
    marks: MarkArgs,

    #[command(flatten)]
    plan: PlanArgs,

    #[command(flatten)]
    watch: WatchArgs,
}

/// Kubernetes labels and taints of the nodes.
#[derive(Debug, Args)]
struct MarkArgs {
    /// Kubernetes labels of the nodes; they replace all earlier ones.
    #[arg(long, alias = "node-label", value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label)]
    node_labels: Vec<(String, String)>,

    /// Kubernetes taints of the nodes; they replace all earlier ones.
    #[arg(long, alias = "node-taint", value_name = "KEY=VALUE:EFFECT", value_delimiter = ',', value_parser = taint)]
    node_taints: Vec<NodeTaint>,
}

/// Reads `KEY=VALUE:EFFECT` or `KEY:EFFECT`, as kubectl writes it.
fn taint(text: &str) -> Result<NodeTaint, String> {
    let (mark, effect) = text.rsplit_once(':').ok_or("must be KEY=VALUE:EFFECT or KEY:EFFECT")?;
    let (key, value) = mark.split_once('=').unwrap_or((mark, ""));
    Ok(NodeTaint { key: key.to_owned(), value: value.to_owned(), effect: effect.to_owned() })
}

impl Shown for NodeGroup {
    const COLUMNS: &'static [&'static str] = &["UUID", "NAME", "ROLE", "NODES", "FLAVOR", "IMAGE", "STATUS"];
    const SPARE: &'static [&'static str] = &["IMAGE", "FLAVOR", "ROLE"];

    fn row(&self) -> Vec<String> {
        vec![
            self.uuid.clone(),
            self.name.clone(),
            self.role.clone(),
            self.node_count.to_string(),
            or_dash(self.flavor_id.as_deref()),
            or_dash(self.image_id.as_deref()),
            status(&or_dash(self.status.as_deref())),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let addresses = self.node_addresses.as_ref().map(|addresses| addresses.join(", "));
        let labels =
            |labels: &Option<std::collections::BTreeMap<String, String>>| or_dash(labels.as_ref().map(map).as_deref());
        let taints: Vec<String> = self.node_taints.iter().flatten().map(written).collect();
        vec![
            ("uuid", self.uuid.clone()),
            ("name", self.name.clone()),
            ("role", self.role.clone()),
            ("status", status(&or_dash(self.status.as_deref()))),
            ("status_reason", or_dash(self.status_reason.as_deref())),
            ("node_count", self.node_count.to_string()),
            ("min_node_count", self.min_node_count.to_string()),
            ("max_node_count", self.max_node_count.map_or_else(|| "-".to_owned(), |count| count.to_string())),
            ("node_addresses", or_dash(addresses.as_deref())),
            ("image_id", or_dash(self.image_id.as_deref())),
            ("flavor_id", or_dash(self.flavor_id.as_deref())),
            ("labels", labels(&self.labels)),
            ("node_labels", labels(&self.node_labels)),
            ("node_taints", or_dash(Some(&taints.join(", ")))),
            ("is_default", self.is_default.to_string()),
            ("created_at", time(self.created_at.as_deref())),
            ("updated_at", time(self.updated_at.as_deref())),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

fn written(taint: &NodeTaint) -> String {
    match taint.value.as_str() {
        "" => format!("{}:{}", taint.key, taint.effect),
        value => format!("{}={value}:{}", taint.key, taint.effect),
    }
}

impl NodeGroupCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Context { client, out } = context;
        match self {
            Self::List { cluster, role } => {
                let mut groups = client.node_groups(&cluster).await?;
                groups.retain(|group| role.as_ref().is_none_or(|role| group.role == *role));
                out.list(&groups, "There is no node group.")
            }
            Self::Show { cluster, name } => out.one(&client.node_group(&cluster, &name).await?),
            Self::Create(arguments) => {
                let (cluster, plan, watch, body) = arguments.parts();
                let change = Change::CreateNodeGroup(&cluster, &body);
                let Some(accepted) = plan.ask(context, change).await? else { return Ok(()) };
                tell(context, &accepted, &body.name, watch, "being made").await
            }
            Self::Update(arguments) => {
                let patch = arguments.operations()?;
                let change = Change::UpdateNodeGroup(&arguments.cluster, &arguments.name, &patch);
                let Some(accepted) = arguments.plan.ask(context, change).await? else { return Ok(()) };
                if accepted.operation.is_none() {
                    return out.one(&client.node_group(&arguments.cluster, &arguments.name).await?);
                }
                tell(context, &accepted, &arguments.name, arguments.watch, "being updated").await
            }
            Self::Delete { cluster, names, plan, watch } => {
                plan.check_one(names.len())?;
                for name in names {
                    let group = client.node_group(&cluster, &name).await?;
                    let change = Change::DeleteNodeGroup(&cluster, &group.uuid);
                    let Some(accepted) = plan.ask(context, change).await? else { continue };
                    let what = if finished(context, &accepted, watch).await? { "deleted" } else { "being deleted" };
                    out.told(&group, &format!("node group {} is {what}", paint(BOLD, &group.name)))?;
                }
                Ok(())
            }
        }
    }
}

/// Follows the operation if requested, and prints the status of the node group.
async fn tell(context: &Context, accepted: &Accepted, name: &str, watch: WatchArgs, what: &str) -> Result<(), Failure> {
    let is_finished = finished(context, accepted, watch).await?;
    let group = context.client.node_group(&accepted.cluster, name).await?;
    let bold = paint(BOLD, &group.name);
    let sentence = if is_finished {
        format!("node group {bold} is {}", status(&or_dash(group.status.as_deref())))
    } else {
        // By id: other clusters may have the same name.
        let operation = accepted.operation.map_or_else(|| accepted.cluster.clone(), |uuid| uuid.to_string());
        format!("node group {bold} is {what}. Follow it: jeroboam operation watch {operation}")
    };
    context.out.told(&group, &sentence)
}

impl CreateArgs {
    fn parts(self) -> (String, PlanArgs, WatchArgs, NodeGroupCreate) {
        let MarkArgs { node_labels, node_taints } = self.marks;
        let body = NodeGroupCreate {
            name: self.name,
            node_count: self.node_count,
            min_node_count: self.min_nodes,
            max_node_count: self.max_nodes,
            role: self.role,
            flavor_id: self.flavor,
            image_id: self.image,
            docker_volume_size: self.docker_volume_size,
            labels: (!self.labels.is_empty()).then(|| self.labels.into_iter().collect()),
            merge_labels: self.merge_labels.then_some(true),
            node_labels: (!node_labels.is_empty()).then(|| node_labels.into_iter().collect()),
            node_taints: (!node_taints.is_empty()).then_some(node_taints),
        };
        (self.cluster, self.plan, self.watch, body)
    }
}

impl UpdateArgs {
    fn operations(&self) -> Result<Vec<PatchOperation>, Failure> {
        let mut patch = self.patch.operations()?;
        patch.extend(self.min_nodes.map(|min| replace("min_node_count", &min.to_string())));
        patch.extend(self.max_nodes.map(|max| match max {
            0 => remove("max_node_count"),
            max => replace("max_node_count", &max.to_string()),
        }));
        // Dictionaries and lists are sent as text (contract magnum-v1 section 2.12).
        let MarkArgs { node_labels, node_taints } = &self.marks;
        if !node_labels.is_empty() {
            let labels: serde_json::Map<_, _> =
                node_labels.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
            patch.push(replace("node_labels", &serde_json::Value::Object(labels).to_string()));
        }
        if !node_taints.is_empty() {
            patch.push(replace("node_taints", &serde_json::to_string(node_taints).map_err(anyhow::Error::new)?));
        }
        if patch.is_empty() {
            return Err(Failure::Usage("nothing to change. See jeroboam nodegroup update --help".to_owned()));
        }
        Ok(patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taints_are_written_as_kubectl_has_them() {
        for text in ["gpu=yes:NoSchedule", "gpu:NoExecute"] {
            assert_eq!(written(&taint(text).unwrap()), text);
        }
        assert!(taint("gpu").is_err());
    }
}
