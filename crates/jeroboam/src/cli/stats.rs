//! `jeroboam stats`.

use jeroboam_types::v1::Stats;

use super::Context;
use super::failure::Failure;
use super::output::Shown;

#[derive(Debug, clap::Args)]
pub(crate) struct StatsCommand {
    /// Id of a project; for admins. Without, your own; all of them for admins.
    #[arg(long, visible_alias = "project-id", value_name = "ID")]
    project: Option<String>,
}

impl Shown for Stats {
    const COLUMNS: &'static [&'static str] = &["CLUSTERS", "NODES"];

    fn row(&self) -> Vec<String> {
        vec![self.clusters.to_string(), self.nodes.to_string()]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![("clusters", self.clusters.to_string()), ("nodes", self.nodes.to_string())]
    }

    fn name(&self) -> String {
        self.clusters.to_string()
    }
}

impl StatsCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        context.out.one(&context.client.stats(self.project.as_deref()).await?)
    }
}
