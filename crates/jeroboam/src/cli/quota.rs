//! `jeroboam quota ...`.

use clap::Subcommand;
use jeroboam_client::Client;
use jeroboam_types::v1::{Quota, QuotaCreate, QuotaUpdate};

use super::failure::Failure;
use super::output::{Shown, time};
use super::{Context, number};

/// A limited resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Resource {
    /// Clusters.
    #[value(name = "Cluster")]
    Cluster,
    /// Nodes that are not masters.
    #[value(name = "WorkerNode")]
    WorkerNode,
    /// Masters.
    #[value(name = "MasterNode")]
    MasterNode,
}

impl Resource {
    /// The name of the resource in the API.
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
    /// List the quotas that were set, of your project or of all; admins only.
    #[command(after_help = "Examples:\n  jeroboam quota list\n  jeroboam quota list --all-projects -o json")]
    List {
        /// List the quotas of all projects.
        #[arg(long, visible_alias = "all-tenants")]
        all_projects: bool,
    },
    /// Show the quota of a project, which may be the default.
    #[command(after_help = "Examples:
  jeroboam quota show
  jeroboam quota show demo --resource WorkerNode")]
    Show {
        /// Name or id of the project; by default your own.
        project: Option<String>,

        #[command(flatten)]
        of: Of,
    },
    /// Create a quota; admins only.
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
    /// Change a quota; admins only. Existing resources of the project stay.
    #[command(after_help = "Examples:\n  jeroboam quota update demo --limit 10")]
    Update {
        #[command(flatten)]
        project: Project,

        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        limit: Limit,
    },
    /// Delete a quota, so that the default applies; admins only.
    #[command(after_help = "Examples:\n  jeroboam quota delete demo")]
    Delete {
        #[command(flatten)]
        project: Project,

        #[command(flatten)]
        of: Of,
    },
}

/// The project of a quota.
#[derive(Debug, clap::Args)]
pub(crate) struct Project {
    /// Name or id of the project.
    project: String,
}

/// The resource of a quota.
#[derive(Debug, clap::Args)]
pub(crate) struct Of {
    /// Limited resource. Worker nodes are all nodes that are not masters.
    #[arg(long, value_enum, value_name = "RESOURCE", default_value_t = Resource::Cluster, ignore_case = true)]
    resource: Resource,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Limit {
    /// Maximum number.
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
                out.told(&default, &format!("the quota is deleted; {resource} may be {may}, as for everybody"))
            }
        }
    }
}

impl Project {
    /// The id of the project. An unknown name goes to the API as it is: a quota can outlive its project.
    async fn id(&self, client: &Client) -> Result<String, Failure> {
        Ok(client.project_id(&self.project).await?.unwrap_or_else(|| self.project.clone()))
    }
}

/// The quota of a project. The API returns a default even for unknown projects, so unknown projects are checked for
/// here.
async fn show(client: &Client, project: &str, resource: Resource) -> Result<Quota, Failure> {
    let known = client.project_id(project).await?;
    let quota = client.quota(known.as_deref().unwrap_or(project), resource.word()).await?;
    if known.is_none() && quota.id.is_none() {
        return Err(no_project(project));
    }
    Ok(quota)
}

/// The error for a project that the identity service does not know.
pub(super) fn no_project(project: &str) -> Failure {
    Failure::NotFound(format!("there is no project {project}; give its name or id"))
}

#[cfg(test)]
#[path = "quota_tests.rs"]
mod tests;
