//! `jeroboam container ...`.

use clap::{Args, Subcommand};
use jeroboam_types::v1::{Container, ContainerCreate};

use super::Context;
use super::cluster::label;
use super::failure::Failure;
use super::output::{Shown, map, or_dash, raw, time};
use super::style::{BOLD, paint, status};

#[derive(Debug, Subcommand)]
pub(crate) enum ContainerCommand {
    /// List containers: all, or those of one cluster.
    #[command(after_help = "Examples:\n  jeroboam container list\n  jeroboam container list --bay blue")]
    List(BayArgs),
    /// Show everything about a container.
    #[command(after_help = "Examples:\n  jeroboam container show web")]
    Show(ContainerIdent),
    /// Create a container and start it.
    #[command(after_help = "Examples:
  jeroboam container create web --bay blue --image nginx
  jeroboam container create job --bay blue --image debian:12 \\
    --env GREETING=hello -- sh -c 'echo $GREETING; sleep 60'")]
    Create(CreateArgs),
    /// Print the output of a container.
    #[command(after_help = "Examples:\n  jeroboam container logs web")]
    Logs(ContainerIdent),
    /// Run a command in a container. Exits with the exit code of the command.
    #[command(visible_alias = "execute", after_help = "Examples:\n  jeroboam container exec web -- ls -l /")]
    Exec {
        #[command(flatten)]
        ident: ContainerIdent,

        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Delete containers, running or not.
    #[command(after_help = "Examples:\n  jeroboam container delete web job")]
    Delete {
        /// Names or ids of the containers.
        #[arg(required = true)]
        names: Vec<String>,

        #[command(flatten)]
        bay: BayArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct BayArgs {
    /// Name or id of the cluster.
    #[arg(long, visible_alias = "cluster", value_name = "NAME")]
    bay: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ContainerIdent {
    /// Name or id of the container.
    name: String,

    #[command(flatten)]
    bay: BayArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Name. By default the server generates one.
    name: Option<String>,

    /// The name as an option, as Magnum's first client had it.
    #[arg(long = "name", value_name = "NAME", hide = true, conflicts_with = "name")]
    name_option: Option<String>,

    /// Name or id of the cluster.
    #[arg(long, visible_alias = "cluster", value_name = "NAME")]
    bay: String,

    /// Container image.
    #[arg(long, value_name = "IMAGE")]
    image: String,

    /// Memory limit, for example 64m.
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,

    /// Environment variables.
    #[arg(long = "env", visible_alias = "environment", value_name = "KEY=VALUE", value_parser = label)]
    environment: Vec<(String, String)>,

    /// The command as one text, split as a shell would.
    #[arg(long = "command", value_name = "TEXT", conflicts_with = "command")]
    command_text: Option<String>,

    /// The command and its arguments, instead of the image's command.
    #[arg(last = true)]
    command: Vec<String>,
}

impl Shown for Container {
    const COLUMNS: &'static [&'static str] = &["UUID", "NAME", "STATUS", "IMAGE", "NODE", "COMMAND"];
    const SPARE: &'static [&'static str] = &["NODE", "COMMAND"];
    const TEXT: Option<&'static str> = Some("COMMAND");

    fn row(&self) -> Vec<String> {
        vec![
            self.uuid.clone(),
            or_dash(self.name.as_deref()),
            status(&self.status),
            self.image.clone(),
            or_dash(self.host.as_deref()),
            or_dash(self.command.as_deref()),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let mut details = vec![
            ("uuid", self.uuid.clone()),
            ("name", or_dash(self.name.as_deref())),
            ("status", status(&self.status)),
        ];
        if let Some(reason) = &self.status_reason {
            details.push(("status_reason", reason.clone()));
        }
        details.extend([
            ("image", self.image.clone()),
            ("command", or_dash(self.command.as_deref())),
            ("memory", or_dash(self.memory.as_deref())),
            ("environment", map(&self.environment)),
            ("node", or_dash(self.host.as_deref())),
            ("bay_uuid", self.bay_uuid.clone()),
            ("created_at", time(self.created_at.as_deref())),
        ]);
        details
    }

    fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.uuid.clone())
    }
}

impl CreateArgs {
    fn body(self) -> ContainerCreate {
        let command = if self.command.is_empty() { None } else { Some(shell_words::join(&self.command)) };
        ContainerCreate {
            bay_uuid: self.bay,
            name: self.name.or(self.name_option),
            image: self.image,
            command: command.or(self.command_text),
            memory: self.memory,
            environment: (!self.environment.is_empty()).then(|| self.environment.into_iter().collect()),
        }
    }
}

impl ContainerCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Context { client, out } = context;
        match self {
            Self::List(bay) => out.list(&client.containers(bay.bay.as_deref()).await?, "There is no container."),
            Self::Show(ident) => out.one(&client.container(&ident.name, ident.bay.bay.as_deref()).await?),
            Self::Create(arguments) => {
                let made = client.create_container(&arguments.body()).await?;
                let name = paint(BOLD, &made.name());
                out.told(&made, &format!("container {name} is {} ({})", status(&made.status), made.uuid))
            }
            Self::Logs(ident) => {
                let mut text = client.container_logs(&ident.name, ident.bay.bay.as_deref()).await?;
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                raw(&text)
            }
            Self::Exec { ident, command } => {
                let command = shell_words::join(&command);
                let answer = client.execute(&ident.name, ident.bay.bay.as_deref(), &command).await?;
                raw(&answer.output)?;
                match answer.exit_code {
                    None | Some(0) => Ok(()),
                    Some(code) => Err(Failure::Exit(u8::try_from(code).unwrap_or(1))),
                }
            }
            Self::Delete { names, bay } => {
                for name in names {
                    let container = client.container(&name, bay.bay.as_deref()).await?;
                    client.delete_container(&container.uuid, bay.bay.as_deref()).await?;
                    out.told(&container, &format!("container {} is deleted", container.name()))?;
                }
                Ok(())
            }
        }
    }
}
