//! `jeroboam db ...`: works on the database directly; no server is contacted.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use jeroboam_client::environment::{Environment, Process};
use jeroboam_store::Schema;
use secrecy::{ExposeSecret, SecretString};

use super::failure::Failure;
use super::output::say;
use crate::up::{DataDir, DatabaseUrl};

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Upgrade the schema of the database to the one of this version. A server does that at its start, too.
    #[command(after_help = "Examples:
  jeroboam db upgrade
  JEROBOAM_DATABASE=postgresql://jeroboam:secret@db/jeroboam jeroboam db upgrade")]
    Upgrade(Place),
    /// Show whether the schema of the database is the one of this version. Exits with 1 if not.
    #[command(after_help = "Examples:
  jeroboam db status
  jeroboam db status --database-file /etc/jeroboam/database")]
    Status(Place),
}

/// The database to work on.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// URL of the database server, as for `jeroboam up` [env: JEROBOAM_DATABASE]. Everybody on this machine can see
    /// arguments: set the variable or use --database-file instead.
    // Not read by clap, which would show an option with a variable as required in its usage lines.
    #[arg(long, value_name = "URL", conflicts_with = "database_file")]
    database: Option<SecretString>,

    /// File that contains the URL of the database server [env: JEROBOAM_DATABASE_FILE].
    #[arg(long, value_name = "FILE")]
    database_file: Option<PathBuf>,

    /// The data folder of the server; its database is used if no other is given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Place {
    /// The URL, and the lock of the data folder if the database is in it.
    fn find(self, environment: &impl Environment) -> anyhow::Result<(DatabaseUrl, Option<DataDir>)> {
        let is_in_file = self.database_file.is_some();
        let of_environment = || environment.variable("JEROBOAM_DATABASE").filter(|_| !is_in_file).map(Into::into);
        let given = self.database.or_else(of_environment);
        let file = self.database_file.or_else(|| environment.variable("JEROBOAM_DATABASE_FILE").map(PathBuf::from));
        if let Some(url) = DatabaseUrl::given(given, file.as_deref())? {
            return Ok((url, None));
        }
        let folder = self.data.or_else(|| environment.data_folder()).context("there is no data folder: give --data")?;
        let data = DataDir::open(&folder)?;
        Ok((DatabaseUrl::in_folder(&data), Some(data)))
    }
}

impl DbCommand {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Upgrade(place) => {
                let (url, _data) = place.find(&Process)?;
                let applied = Schema::upgrade(url.0.expose_secret()).await.context("upgrading the database")?;
                say(&match applied.as_slice() {
                    [] => "The schema was up to date.".to_owned(),
                    applied => format!("Applied {}.", applied.join(", ")),
                })
            }
            Self::Status(place) => {
                let (url, _data) = place.find(&Process)?;
                let Schema { applied, pending, unknown } =
                    Schema::read(url.0.expose_secret()).await.context("reading the database")?;
                say(&format!("{} migrations are applied.", applied.len() + unknown.len()))?;
                if !unknown.is_empty() {
                    let names = unknown.join(", ");
                    return Err(anyhow::anyhow!(
                        "the schema is newer than this version of Jeroboam, which does not know {names}. Start the \
                         version that upgraded it, or restore a backup from before the upgrade"
                    )
                    .into());
                }
                match pending.as_slice() {
                    [] => say("The schema is up to date."),
                    pending => Err(anyhow::anyhow!(
                        "these are not applied: {}. Run 'jeroboam db upgrade', or start the server",
                        pending.join(", ")
                    )
                    .into()),
                }
            }
        }
    }
}
