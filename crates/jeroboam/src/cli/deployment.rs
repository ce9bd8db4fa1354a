//! `jeroboam deployment ...`.

use clap::Subcommand;
use jeroboam_types::v1::Deployment;

use super::Context;
use super::failure::Failure;
use super::output::{Shown, time};
use super::style::{BAD, GOOD, paint};

#[derive(Debug, Subcommand)]
pub(crate) enum DeploymentCommand {
    /// Show whether the server's database is the current one, and the evidence against it; admins only.
    #[command(after_help = "Examples:\n  jeroboam deployment show\n  jeroboam deployment show -o json")]
    Show,
    /// Confirm that the server's database is the current one; admins only.
    ///
    /// For a server that is held because its database was restored from an older state, or because an earlier server
    /// with a newer database is gone. Changes since that state are given up: clusters that are not in the database
    /// become orphans, and clusters in it whose machines no longer exist are missing.
    #[command(after_help = "Examples:\n  jeroboam deployment accept")]
    Accept,
    /// Give the server a new deployment id, as it is an independent copy; admins only.
    ///
    /// For a server that is held because its data was copied from another server that is still in use. The machines of
    /// clusters in the copy stay with the original; in the copy they are missing.
    #[command(after_help = "Examples:\n  jeroboam deployment new-id")]
    NewId,
}

impl Shown for Deployment {
    const COLUMNS: &'static [&'static str] = &["ID", "NUMBER", "STATE"];

    fn row(&self) -> Vec<String> {
        vec![self.id.clone(), self.number.to_string(), state(self)]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let mut details = vec![("id", self.id.clone()), ("number", self.number.to_string()), ("state", state(self))];
        if let Some(hold) = &self.hold {
            details.push(("since", time(Some(&hold.since))));
            details.extend(hold.evidence.iter().map(|evidence| ("found", evidence.message.clone())));
            details.push(("do", hold.action.clone()));
        }
        if let Some(newest) = self.instances.first() {
            let started = time(Some(&newest.started_at));
            details.push(("last start", format!("{started} on {}, as {}", newest.host, newest.uuid)));
        }
        details
    }

    fn name(&self) -> String {
        self.id.clone()
    }
}

fn state(deployment: &Deployment) -> String {
    match deployment.hold {
        Some(_) => paint(BAD, "held: nothing is created or removed"),
        None => paint(GOOD, "works"),
    }
}

impl DeploymentCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Context { client, out } = context;
        match self {
            Self::Show => out.one(&client.deployment().await?),
            Self::Accept => {
                let accepted = client.accept_deployment().await?;
                out.told(&accepted, "this database is current now; see 'jeroboam orphan list' for unknown clusters")
            }
            Self::NewId => {
                let renamed = client.take_new_deployment_id().await?;
                let told = format!("this deployment is independent now, with the id {}", renamed.id);
                out.told(&renamed, &told)
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

    fn held() -> Deployment {
        serde_json::from_value(json!({
            "id": "d", "number": 12, "hold": {
                "since": "2026-11-23T15:02:38+00:00", "action": "Look.",
                "evidence": [{"kind": "number", "message": "The mark of a server has the number 20.", "number": 20}],
            },
            "instances": [{"uuid": "00000000-0000-0000-0000-000000000001", "host": "h",
                "started_at": "2026-11-23T15:02:38+00:00"}],
        }))
        .unwrap()
    }

    #[test]
    fn what_was_found_is_told_with_what_to_do() {
        let shown = anstream::adapter::strip_str(&table::pairs(&held().details(), None)).to_string();
        insta::assert_snapshot!(shown, @r"
        id          d
        number      12
        state       held: nothing is created or removed
        since       2026-11-23 15:02:38 UTC
        found       The mark of a server has the number 20.
        do          Look.
        last start  2026-11-23 15:02:38 UTC on h, as 00000000-0000-0000-0000-000000000001
        ");
    }

    #[tokio::test]
    async fn choices_are_posted() {
        let (context, fake) = fake::start([
            ("POST /v1/deployment/actions/accept", (200, json!(held()))),
            ("POST /v1/deployment/actions/new-id", (200, json!(held()))),
        ])
        .await;
        DeploymentCommand::Accept.run(&context).await.unwrap();
        DeploymentCommand::NewId.run(&context).await.unwrap();
        assert_eq!(fake.asked(), ["POST /v1/deployment/actions/accept", "POST /v1/deployment/actions/new-id"]);
    }
}
