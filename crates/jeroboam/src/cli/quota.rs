//! `jeroboam quota ...`.

use clap::Subcommand;
use jeroboam_client::Client;
use jeroboam_types::v1::{Quota, QuotaCreate, QuotaUpdate};

use super::failure::Failure;
use super::output::{Shown, time};
use super::{Context, number};

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Resource {
    /// Clusters.
    #[value(name = "Cluster")]
    Cluster,
    /// Nodes that are no masters.
    #[value(name = "WorkerNode")]
    WorkerNode,
    /// Masters.
    #[value(name = "MasterNode")]
    MasterNode,
}

impl Resource {
    /// The API's word.
    fn word(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::WorkerNode => "WorkerNode",
            Self::MasterNode => "MasterNode",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuotaCommand {
    /// List the quotas that were made, of your project or of all; admins only.
    #[command(after_help = "Examples:\n  jeroboam quota list\n  jeroboam quota list --all-projects -o json")]
    List {
        /// The quotas of all projects.
        #[arg(long, visible_alias = "all-tenants")]
        all_projects: bool,
    },
    /// Show what a project may have, be it by default.
    #[command(after_help = "Examples:
  jeroboam quota show
  jeroboam quota show demo --resource WorkerNode")]
    Show {
        /// Name or id of the project; your own when it is missing.
        project: Option<String>,

        #[command(flatten)]
        of: Of,
    },
    /// Make a quota; admins only.
    #[command(after_help = "Examples:
  jeroboam quota create demo --limit 50
  jeroboam quota create demo --resource WorkerNode --limit 200")]
    Create {
        #[command(flatten)]
        project: Project,

        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        limit: Limit,
    },
    /// Change a quota; admins only. What the project has already stays.
    #[command(after_help = "Examples:\n  jeroboam quota update demo --limit 10")]
    Update {
        #[command(flatten)]
        project: Project,

        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        limit: Limit,
    },
    /// Take a quota away, so that the default holds; admins only.
    #[command(after_help = "Examples:\n  jeroboam quota delete demo")]
    Delete {
        #[command(flatten)]
        project: Project,

        #[command(flatten)]
        of: Of,
    },
}

/// Whose quota.
#[derive(Debug, clap::Args)]
pub(crate) struct Project {
    /// Name or id of the project.
    project: String,
}

/// What is limited.
#[derive(Debug, clap::Args)]
pub(crate) struct Of {
    /// What is limited. Worker nodes are those that are no masters.
    #[arg(long, value_enum, value_name = "RESOURCE", default_value_t = Resource::Cluster, ignore_case = true)]
    resource: Resource,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Limit {
    /// How many there may be.
    #[arg(
        long,
        visible_alias = "hard-limit",
        value_name = "NUMBER",
        value_parser = number::<u32>,
        allow_negative_numbers = true
    )]
    limit: u32,
}

impl Shown for Quota {
    const COLUMNS: &'static [&'static str] = &["PROJECT", "RESOURCE", "LIMIT"];

    fn row(&self) -> Vec<String> {
        vec![self.project_id.clone(), self.resource.clone(), limit(self.hard_limit)]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("id", self.id.map_or_else(|| "- (the default)".to_owned(), |id| id.to_string())),
            ("project_id", self.project_id.clone()),
            ("resource", self.resource.clone()),
            ("hard_limit", limit(self.hard_limit)),
            ("created_at", time(self.created_at.as_deref())),
            ("updated_at", time(self.updated_at.as_deref())),
        ]
    }

    fn name(&self) -> String {
        format!("{}/{}", self.project_id, self.resource)
    }
}

fn limit(limit: i64) -> String {
    if limit < 0 { "any number".to_owned() } else { limit.to_string() }
}

impl QuotaCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Context { client, out } = context;
        match self {
            Self::List { all_projects } => out.list(&client.quotas(all_projects).await?, "There is no quota yet."),
            Self::Show { project: None, of } => {
                let project = client.project().await?;
                out.one(&client.quota(&project, of.resource.word()).await?)
            }
            Self::Show { project: Some(project), of } => out.one(&show(client, &project, of.resource).await?),
            Self::Create { project, of, limit } => {
                let (project_id, resource) = (project.id(client).await?, Some(of.resource.word().to_owned()));
                let body = QuotaCreate { project_id, resource, hard_limit: Some(limit.limit) };
                out.one(&client.create_quota(&body).await?)
            }
            Self::Update { project, of, limit } => {
                let body = QuotaUpdate { hard_limit: Some(limit.limit) };
                out.one(&client.update_quota(&project.id(client).await?, of.resource.word(), &body).await?)
            }
            Self::Delete { project, of } => {
                let (project, resource) = (project.id(client).await?, of.resource.word());
                client.delete_quota(&project, resource).await?;
                let default = client.quota(&project, resource).await?;
                let may = limit(default.hard_limit);
                out.told(&default, &format!("the quota is gone; {resource} may be {may}, as for everybody"))
            }
        }
    }
}

impl Project {
    /// Its id. What nobody knows goes to the API as it is: a quota can outlive its project.
    async fn id(&self, client: &Client) -> Result<String, Failure> {
        Ok(client.project_id(&self.project).await?.unwrap_or_else(|| self.project.clone()))
    }
}

/// The quota of a project. The API answers a default for whatever it is asked, so that a project that nobody knows
/// has to be told from one without a quota.
async fn show(client: &Client, project: &str, resource: Resource) -> Result<Quota, Failure> {
    let known = client.project_id(project).await?;
    let quota = client.quota(known.as_deref().unwrap_or(project), resource.word()).await?;
    if known.is_none() && quota.id.is_none() {
        return Err(no_project(project));
    }
    Ok(quota)
}

/// Said about a project that the identity service does not know.
pub(super) fn no_project(project: &str) -> Failure {
    Failure::NotFound(format!("there is no project {project}; give its name or id"))
}

#[cfg(test)]
#[path = "quota_tests.rs"]
mod tests;
