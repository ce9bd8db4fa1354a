//! `jeroboam orphan ...`.

use clap::{Args, Subcommand};
use jeroboam_types::v1::{ClusterCreate, Orphan};

use super::cluster::label;
use super::cluster_change::told;
use super::failure::Failure;
use super::output::{Shown, or_dash, say, time};
use super::watch::WatchArgs;
use super::{Context, Spelling};

#[derive(Debug, Subcommand)]
pub(crate) enum OrphanCommand {
    /// List clusters that have machines, disks or networks but are not in the database; admins only.
    #[command(after_help = "Examples:\n  jeroboam orphan list\n  jeroboam orphan list -o json")]
    List,
    /// Adopt an orphan: it becomes a cluster of its project again, owned by you, with the same id and the data on its
    /// nodes' disks; admins only. Its machines are restarted, and its certificate authorities are new: run `bay config`
    /// again.
    #[command(after_help = "Examples:
  jeroboam orphan adopt 0bd63b2a-0a6e-4b8a-9a3c-3f2a3e1a7c55 \\
    --cluster-template kubernetes
  jeroboam orphan adopt 0bd63b2a-0a6e-4b8a-9a3c-3f2a3e1a7c55 \\
    --cluster-template kubernetes --merge-labels --labels kube_tag=v1.36.3

Template and labels must be those that the cluster was made with: the database
does not know them any more.")]
    Adopt(Box<AdoptArgs>),
    /// Delete all machines, disks and networks of an orphan, with the data on the disks; admins only.
    #[command(after_help = "Examples:\n  jeroboam orphan delete 0bd63b2a-0a6e-4b8a-9a3c-3f2a3e1a7c55 --yes")]
    Delete {
        /// Id of the cluster, as shown by `orphan list`.
        uuid: String,

        /// Confirm that everything is deleted for good.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    /// Id of the cluster, as shown by `orphan list`.
    uuid: String,

    /// Template that the cluster was created from: name or id.
    #[arg(long, visible_alias = "baymodel", value_name = "TEMPLATE")]
    cluster_template: String,

    /// New name, instead of the one that its machines are marked with.
    #[arg(long)]
    name: Option<String>,

    /// Labels that it was created with. They replace those of the template, unless --merge-labels is given.
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label)]
    labels: Vec<(String, String)>,

    /// Merge the labels with those of the template.
    #[arg(long)]
    merge_labels: bool,

    #[command(flatten)]
    watch: WatchArgs,
}

impl AdoptArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let body = ClusterCreate {
            name: self.name,
            cluster_template_id: self.cluster_template,
            labels: (!self.labels.is_empty()).then(|| self.labels.into_iter().collect()),
            merge_labels: self.merge_labels.then_some(true),
            ..ClusterCreate::default()
        };
        let accepted = context.client.adopt_orphan(&self.uuid, &body).await?;
        told(context, Spelling::Today, &accepted, self.watch, "being taken over").await
    }
}

impl Shown for Orphan {
    const COLUMNS: &'static [&'static str] = &["UUID", "NAME", "PROJECT", "MACHINES", "DISKS", "NETWORKS", "SINCE"];
    const SPARE: &'static [&'static str] = &["NETWORKS", "PROJECT", "DISKS"];

    fn row(&self) -> Vec<String> {
        vec![
            self.uuid.to_string(),
            or_dash(self.name.as_deref()),
            or_dash(self.project_id.as_deref()),
            self.machines.len().to_string(),
            self.disks.len().to_string(),
            self.networks.len().to_string(),
            time(self.created_at.as_deref()),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        Self::COLUMNS.iter().copied().zip(self.row()).collect()
    }

    fn name(&self) -> String {
        self.uuid.to_string()
    }
}

impl OrphanCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Context { client, out } = context;
        match self {
            Self::List => out.list(&client.orphans().await?, "There is no orphan."),
            Self::Adopt(arguments) => arguments.run(context).await,
            Self::Delete { uuid, yes: false } => Err(Failure::Usage(format!(
                "this removes all machines, disks and networks of {uuid}, with the data on them, for good. Confirm \
                 with --yes"
            ))),
            Self::Delete { uuid, yes: true } => {
                client.delete_orphan(&uuid).await?;
                say(&format!("nothing is left of {uuid}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fake;
    use super::super::table;
    use super::*;

    #[test]
    fn orphans_are_told_by_what_there_is_of_them() {
        let orphan: Orphan = serde_json::from_value(json!({
            "uuid": "00000000-0000-0000-0000-000000000001", "name": "c", "project_id": "p",
            "machines": ["a", "b"], "disks": ["a"], "networks": [], "created_at": null,
        }))
        .unwrap();
        let list = anstream::adapter::strip_str(&table::list(&[orphan], None)).to_string();
        insta::assert_snapshot!(list, @r"
        UUID                                  NAME  PROJECT  MACHINES  DISKS  NETWORKS  SINCE
        00000000-0000-0000-0000-000000000001  c     p        2         1      0         -
        ");
    }

    #[tokio::test]
    async fn nothing_is_removed_without_yes() {
        let (context, fake) = fake::start([("DELETE /v1/orphans/u", (204, json!(null)))]).await;
        let refused = OrphanCommand::Delete { uuid: "u".into(), yes: false }.run(&context).await.unwrap_err();
        assert!(matches!(refused, Failure::Usage(_)) && fake.asked().is_empty());
        OrphanCommand::Delete { uuid: "u".into(), yes: true }.run(&context).await.unwrap();
        assert_eq!(fake.asked(), ["DELETE /v1/orphans/u"]);
    }
}
