//! `jeroboam stats`.

use jeroboam_types::v1::Stats;

use super::Context;
use super::failure::Failure;
use super::output::Shown;
use super::quota::no_project;

#[derive(Debug, clap::Args)]
pub(crate) struct StatsCommand {
    /// Name or id of a project, for admins. By default your own, or all projects for admins.
    #[arg(long, visible_alias = "project-id", value_name = "PROJECT")]
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
        let Some(project) = self.project else {
            return context.out.one(&context.client.stats(None).await?);
        };
        let known = context.client.project_id(&project).await?;
        let stats = context.client.stats(Some(known.as_deref().unwrap_or(&project))).await?;
        // The API counts 0 for unknown projects, too. A deleted project may still have clusters.
        if known.is_none() && stats.clusters == 0 {
            return Err(no_project(&project));
        }
        context.out.one(&stats)
    }
}
