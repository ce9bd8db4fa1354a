//! `jeroboam mservice ...`.

use clap::Subcommand;
use jeroboam_types::v1::Mservice;

use super::Context;
use super::failure::Failure;
use super::output::{Shown, time};
use super::style::{BAD, GOOD, paint};

#[derive(Debug, Subcommand)]
pub(crate) enum MserviceCommand {
    /// List the server's conductors with their state; admins only.
    #[command(after_help = "Examples:\n  jeroboam mservice list")]
    List,
}

impl Shown for Mservice {
    const COLUMNS: &'static [&'static str] = &["ID", "HOST", "BINARY", "STATE", "REPORTS", "LAST"];
    const SPARE: &'static [&'static str] = &["REPORTS", "BINARY"];

    fn row(&self) -> Vec<String> {
        let state = paint(if self.state == "up" { GOOD } else { BAD }, &self.state);
        let last = time(self.updated_at.as_deref());
        vec![self.id.to_string(), self.host.clone(), self.binary.clone(), state, self.report_count.to_string(), last]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        Self::COLUMNS.iter().copied().zip(self.row()).collect()
    }

    fn name(&self) -> String {
        self.host.clone()
    }
}

impl MserviceCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List => context.out.list(&context.client.mservices().await?, "There is no conductor."),
        }
    }
}
