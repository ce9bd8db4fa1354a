//! `jeroboam nodegroup ...`.

use clap::Subcommand;
use jeroboam_types::v1::NodeGroup;

use super::Context;
use super::failure::Failure;
use super::output::{Shown, or_dash};
use super::style::status;

#[derive(Debug, Subcommand)]
pub(crate) enum NodeGroupCommand {
    /// All of a cluster.
    #[command(after_help = "Examples:\n  jeroboam nodegroup list demo")]
    List {
        /// Name or id of the cluster.
        cluster: String,
    },
    /// Everything about one.
    #[command(after_help = "Examples:\n  jeroboam nodegroup show demo default-worker")]
    Show {
        /// Name or id of the cluster.
        cluster: String,
        /// Name or id of the node group.
        name: String,
    },
}

impl Shown for NodeGroup {
    const COLUMNS: &'static [&'static str] = &["UUID", "NAME", "ROLE", "NODES", "IMAGE", "STATUS"];

    fn row(&self) -> Vec<String> {
        vec![
            self.uuid.clone(),
            self.name.clone(),
            self.role.clone(),
            self.node_count.to_string(),
            or_dash(self.image_id.as_deref()),
            status(&or_dash(self.status.as_deref())),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let addresses = self.node_addresses.as_ref().map(|addresses| addresses.join(", "));
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
            ("is_default", self.is_default.to_string()),
            ("created_at", or_dash(self.created_at.as_deref())),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl NodeGroupCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Context { client, out } = context;
        match self {
            Self::List { cluster } => out.list(&client.node_groups(&cluster).await?, "There is no node group."),
            Self::Show { cluster, name } => out.one(&client.node_group(&cluster, &name).await?),
        }
    }
}
