//! `jeroboam quota ...`.

use clap::Subcommand;
use jeroboam_types::v1::{Quota, QuotaCreate, QuotaUpdate};

use super::Context;
use super::failure::Failure;
use super::output::{Shown, or_dash};

/// What is limited when nobody says otherwise.
const CLUSTER: &str = "Cluster";

#[derive(Debug, Subcommand)]
pub(crate) enum QuotaCommand {
    /// Those that were made, of your project or of all; admins only.
    #[command(after_help = "Examples:\n  jeroboam quota list\n  jeroboam quota list --all-projects -o json")]
    List {
        /// Those of all projects.
        #[arg(long, visible_alias = "all-tenants")]
        all_projects: bool,
    },
    /// What a project may have, be it by default.
    #[command(after_help = "Examples:
  jeroboam quota show 2f0c…
  jeroboam quota show 2f0c… --resource WorkerNode")]
    Show {
        #[command(flatten)]
        of: Of,
    },
    /// Make one; admins only.
    #[command(after_help = "Examples:
  jeroboam quota create 2f0c… --limit 50
  jeroboam quota create 2f0c… --resource WorkerNode --limit 200")]
    Create {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        limit: Limit,
    },
    /// Change one; admins only. What the project has already stays.
    #[command(after_help = "Examples:\n  jeroboam quota update 2f0c… --limit 10")]
    Update {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        limit: Limit,
    },
    /// Take one away, so that the default holds; admins only.
    #[command(after_help = "Examples:\n  jeroboam quota delete 2f0c…")]
    Delete {
        #[command(flatten)]
        of: Of,
    },
}

/// Which quota.
#[derive(Debug, clap::Args)]
pub(crate) struct Of {
    /// Id of the project.
    project: String,

    /// What is limited: Cluster, WorkerNode (nodes that are no masters) or MasterNode.
    #[arg(long, value_name = "RESOURCE", default_value = CLUSTER)]
    resource: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Limit {
    /// How many there may be.
    #[arg(long, visible_alias = "hard-limit", value_name = "NUMBER")]
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
            ("created_at", or_dash(self.created_at.as_deref())),
            ("updated_at", or_dash(self.updated_at.as_deref())),
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
            Self::Show { of } => out.one(&client.quota(&of.project, &of.resource).await?),
            Self::Create { of, limit } => {
                let body =
                    QuotaCreate { project_id: of.project, resource: Some(of.resource), hard_limit: Some(limit.limit) };
                out.one(&client.create_quota(&body).await?)
            }
            Self::Update { of, limit } => {
                let body = QuotaUpdate { hard_limit: Some(limit.limit) };
                out.one(&client.update_quota(&of.project, &of.resource, &body).await?)
            }
            Self::Delete { of } => {
                client.delete_quota(&of.project, &of.resource).await?;
                let default = client.quota(&of.project, &of.resource).await?;
                let may = limit(default.hard_limit);
                out.told(&default, &format!("the quota is gone; {} may be {may}, as for everybody", of.resource))
            }
        }
    }
}
