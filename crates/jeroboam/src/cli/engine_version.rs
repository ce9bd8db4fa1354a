//! `jeroboam version ...`.

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use jeroboam_model::EngineKind;
use jeroboam_types::v1::EngineVersion;

use super::Context;
use super::failure::Failure;
use super::output::{Shown, or_dash};
use super::style::{BAD, DIM, paint};

/// Engines that have versions.
fn engines() -> PossibleValuesParser {
    EngineKind::all().into_iter().map(|engine| engine.name).into()
}

#[derive(Debug, Subcommand)]
pub(crate) enum VersionCommand {
    /// List the versions that clusters can run: of Kubernetes, and of the Docker Engine for Swarm.
    #[command(after_help = "Examples:
  jeroboam version list
  jeroboam version list --engine kubernetes -o name
  jeroboam version list --all

The label kube_tag asks for a version of Kubernetes. Upgrades are shown to plan
with: living clusters cannot be upgraded yet.")]
    List {
        /// Only versions of this engine.
        #[arg(long, visible_alias = "coe", value_name = "ENGINE", value_parser = engines())]
        engine: Option<String>,
        /// Also versions that this release knows but that no image contains.
        #[arg(long)]
        all: bool,
    },
}

impl Shown for EngineVersion {
    const COLUMNS: &'static [&'static str] =
        &["ENGINE", "VERSION", "DEFAULT", "IMAGES", "SOURCE", "SUPPORTED UNTIL", "UPGRADES (TO COME)"];
    const SPARE: &'static [&'static str] = &["UPGRADES (TO COME)", "SOURCE", "IMAGES"];

    fn row(&self) -> Vec<String> {
        let mut sources: Vec<&str> = self.images.iter().map(|image| image.source.as_str()).collect();
        sources.sort_unstable();
        sources.dedup();
        let images: Vec<&str> = self.images.iter().map(|image| image.name.as_str()).collect();
        let row = vec![
            self.engine.clone(),
            self.version.clone(),
            if self.default { "yes" } else { "" }.to_owned(),
            or_dash(Some(&images.join(","))),
            or_dash(Some(&sources.join(","))),
            support(self),
            or_dash(Some(&self.upgrades.join(","))),
        ];
        if self.available { row } else { row.iter().map(|cell| paint(DIM, cell)).collect() }
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        Self::COLUMNS.iter().copied().zip(self.row()).collect()
    }

    fn name(&self) -> String {
        self.version.clone()
    }
}

/// End of support, and whether it has passed.
fn support(version: &EngineVersion) -> String {
    match (&version.supported_until, version.supported) {
        (Some(until), Some(false)) => paint(BAD, &format!("{until} (over)")),
        (until, _) => or_dash(until.as_deref()),
    }
}

impl VersionCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List { engine, all } => {
                let mut versions = context.client.engine_versions(engine.as_deref()).await?;
                versions.retain(|version| all || version.available);
                context.out.list(&versions, "No image contains any version. Build one: make image")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fake;
    use super::super::table;
    use super::*;

    fn version(name: &str, images: &Value, until: &str, supported: bool) -> EngineVersion {
        serde_json::from_value(json!({
            "engine": "kubernetes", "version": name, "available": images != &json!([]), "default": name == "v1.37.2",
            "images": images, "supported_until": until, "supported": supported,
            "upgrades": if name == "v1.36.3" { json!(["v1.37.2"]) } else { json!([]) }, "upgrades_offered": false,
        }))
        .unwrap()
    }

    fn docker() -> EngineVersion {
        serde_json::from_value(json!({
            "engine": "swarm", "version": "26.1.5", "available": true, "default": true,
            "images": [{"name": "debian-13", "source": "debian"}], "supported_until": null, "supported": null,
            "upgrades": [], "upgrades_offered": false,
        }))
        .unwrap()
    }

    #[test]
    fn versions_say_where_they_are_and_until_when_they_are_supported() {
        let ours = json!([{"name": "debian-13", "source": "modules"}]);
        let both = json!([{"name": "debian-13", "source": "modules"}, {"name": "ours:7", "source": "release"}]);
        let versions = [
            version("v1.37.2", &ours, "2027-10-28", true),
            version("v1.36.3", &both, "2027-06-28", true),
            version("v1.34.4", &json!([]), "2026-10-27", false),
            docker(),
        ];
        let list = anstream::adapter::strip_str(&table::list(&versions, None)).to_string();
        insta::assert_snapshot!(list, @r"
        ENGINE      VERSION  DEFAULT  IMAGES            SOURCE           SUPPORTED UNTIL    UPGRADES (TO COME)
        kubernetes  v1.37.2  yes      debian-13         modules          2027-10-28         -
        kubernetes  v1.36.3           debian-13,ours:7  modules,release  2027-06-28         v1.37.2
        kubernetes  v1.34.4           -                 -                2026-10-27 (over)  -
        swarm       26.1.5   yes      debian-13         debian           -                  -
        ");
    }

    #[tokio::test]
    async fn what_no_image_carries_is_listed_when_asked_for() {
        let body = json!({"engineversions": [version("v1.36.3", &json!([]), "2027-06-28", true), docker()]});
        let (context, fake) = fake::start([
            ("GET /v1/engineversions", (200, body.clone())),
            ("GET /v1/engineversions?engine=swarm", (200, body)),
        ])
        .await;
        VersionCommand::List { engine: None, all: true }.run(&context).await.unwrap();
        VersionCommand::List { engine: Some("swarm".to_owned()), all: false }.run(&context).await.unwrap();
        assert_eq!(fake.asked(), ["GET /v1/engineversions", "GET /v1/engineversions?engine=swarm"]);
    }
}
