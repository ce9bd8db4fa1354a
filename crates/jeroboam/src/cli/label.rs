//! `jeroboam label ...`.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use jeroboam_model::EngineKind;
use jeroboam_types::v1::{ExplainedLabel, Label};

use super::Context;
use super::failure::Failure;
use super::output::{Shown, or_dash};
use super::style::{DIM, paint};

/// Engines that have labels.
fn engines() -> PossibleValuesParser {
    EngineKind::all().into_iter().map(|engine| engine.name).into()
}

#[derive(Debug, Subcommand)]
pub(crate) enum LabelCommand {
    /// List the labels that have an effect. With --all also those of Magnum that have none here.
    #[command(after_help = "Examples:
  jeroboam label list
  jeroboam label list --coe swarm
  jeroboam label list --all -o name")]
    List {
        /// Also labels that Magnum knows and that have no effect here.
        #[arg(long)]
        all: bool,
        /// Only labels for this engine.
        #[arg(long, value_name = "ENGINE", value_parser = engines())]
        coe: Option<String>,
    },
    /// Show everything about a label.
    #[command(after_help = "Examples:\n  jeroboam label show kube_tag")]
    Show {
        /// Name of the label.
        name: String,
    },
    /// Show the values in effect, and where they come from.
    #[command(after_help = "Examples:
  jeroboam label explain --cluster demo
  jeroboam label explain --cluster demo --node-group default-worker
  jeroboam label explain kube_tag --cluster-template kubernetes")]
    Explain(ExplainArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Show only this label.
    name: Option<String>,

    #[command(flatten)]
    of: Of,

    /// Show the labels of a node group of the cluster.
    #[arg(long, alias = "nodegroup", value_name = "NAME", requires = "cluster", conflicts_with = "cluster_template")]
    node_group: Option<String>,
}

/// The object whose labels are explained.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Of {
    /// Name or id of a cluster.
    #[arg(long, visible_alias = "bay", value_name = "NAME")]
    cluster: Option<String>,

    /// Name or id of a cluster template, for clusters created from it.
    #[arg(long, visible_alias = "baymodel", value_name = "NAME")]
    cluster_template: Option<String>,
}

impl Shown for Label {
    const COLUMNS: &'static [&'static str] = &["NAME", "TYPE", "DEFAULT", "ENGINES", "DESCRIPTION"];
    const SPARE: &'static [&'static str] = &["ENGINES"];
    const TEXT: Option<&'static str> = Some("DESCRIPTION");

    fn row(&self) -> Vec<String> {
        let row = vec![
            self.name.clone(),
            self.value_type.clone(),
            or_dash(self.default.as_deref()),
            or_dash(Some(&self.engines.join(","))),
            self.description.clone(),
        ];
        if self.has_effect { row } else { row.iter().map(|cell| paint(DIM, cell)).collect() }
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("name", self.name.clone()),
            ("description", self.description.clone()),
            ("type", self.value_type.clone()),
            ("allowed", self.allowed.clone()),
            ("default", or_dash(self.default.as_deref())),
            ("engines", or_dash(Some(&self.engines.join(", ")))),
            ("effect", if self.has_effect { "yes" } else { "none here" }.to_owned()),
            ("reach", self.reach.clone()),
            ("change", self.change.clone()),
            ("since", or_dash(self.since.as_deref())),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Shown for ExplainedLabel {
    const COLUMNS: &'static [&'static str] = &["NAME", "VALUE", "FROM", "NOTE"];
    const TEXT: Option<&'static str> = Some("NOTE");

    fn row(&self) -> Vec<String> {
        let note = self.note.clone().unwrap_or_default();
        let row = vec![self.name.clone(), or_dash(self.value.as_deref()), self.source.clone(), note];
        if self.has_effect { row } else { row.iter().map(|cell| paint(DIM, cell)).collect() }
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("name", self.name.clone()),
            ("value", or_dash(self.value.as_deref())),
            ("from", self.source.clone()),
            ("effect", if self.has_effect { "yes" } else { "none" }.to_owned()),
            ("note", or_dash(self.note.as_deref())),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl LabelCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Context { client, out } = context;
        match self {
            Self::List { all, coe } => {
                let mut labels = client.labels().await?.labels;
                labels.retain(|label| is_wanted(label, all, coe.as_deref()));
                out.list(&labels, "There is no such label.")
            }
            Self::Show { name } => out.one(&client.label(&name).await?),
            Self::Explain(arguments) => {
                let explained = match (&arguments.of.cluster, &arguments.of.cluster_template) {
                    (Some(cluster), _) => client.cluster_labels(cluster, arguments.node_group.as_deref()).await?,
                    (None, template) => client.template_labels(template.as_deref().unwrap_or_default()).await?,
                };
                let Some(name) = arguments.name else {
                    return out.list(&explained.labels, "No label is in effect.");
                };
                match explained.labels.iter().find(|label| label.name == name) {
                    Some(label) => out.one(label),
                    // The label is not set and has no default here: its description gives the reason, or the API
                    // reports that it does not exist.
                    None => out.one(&client.label(&name).await?),
                }
            }
        }
    }
}

fn is_wanted(label: &Label, all: bool, engine: Option<&str>) -> bool {
    (all || label.has_effect) && engine.is_none_or(|engine| label.engines.iter().any(|of| of == engine))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::super::Cli;
    use super::super::table;
    use super::*;

    fn label(name: &str, engines: &[&str], has_effect: bool) -> Label {
        serde_json::from_value(json!({
            "name": name, "type": "choice", "allowed": "host-gw or vxlan", "values": ["host-gw", "vxlan"],
            "default": has_effect.then_some("host-gw"), "engines": engines, "has_effect": has_effect,
            "reach": "cluster", "change": "never", "since": has_effect.then_some("0.1.0"), "description": "What it does",
        }))
        .unwrap()
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn labels_are_listed_and_shown() {
        let labels = [label("flannel_backend", &["kubernetes"], true), label("arch", &[], false)];
        insta::assert_snapshot!(plain(&table::list(&labels, None)), @r"
        NAME             TYPE    DEFAULT  ENGINES     DESCRIPTION
        flannel_backend  choice  host-gw  kubernetes  What it does
        arch             choice  -        -           What it does
        ");
        insta::assert_snapshot!(plain(&table::pairs(&labels[0].details(), None)), @r"
        name         flannel_backend
        description  What it does
        type         choice
        allowed      host-gw or vxlan
        default      host-gw
        engines      kubernetes
        effect       yes
        reach        cluster
        change       never
        since        0.1.0
        ");
    }

    #[test]
    fn an_explanation_says_what_holds_and_where_it_comes_from() {
        let explained = |name: &str, value: Option<&str>, source: &str, note: Option<&str>| ExplainedLabel {
            name: name.to_owned(),
            value: value.map(str::to_owned),
            source: source.to_owned(),
            has_effect: note.is_none(),
            note: note.map(str::to_owned),
        };
        let labels = [
            explained("flannel_backend", Some("vxlan"), "cluster", Some("template has host-gw")),
            explained("kube_tag", Some("v1.37.2"), "default", None),
            explained("npd_enabled", None, "default", Some("template has true, which was not taken over")),
        ];
        insta::assert_snapshot!(plain(&table::list(&labels, None)), @r"
        NAME             VALUE    FROM     NOTE
        flannel_backend  vxlan    cluster  template has host-gw
        kube_tag         v1.37.2  default
        npd_enabled      -        default  template has true, which was not taken over
        ");
        insta::assert_snapshot!(plain(&table::pairs(&labels[1].details(), None)), @r"
        name    kube_tag
        value   v1.37.2
        from    default
        effect  yes
        note    -
        ");
    }

    #[test]
    fn only_labels_that_do_something_are_listed_unless_all_are_wanted() {
        let (ours, magnums) = (label("a", &["kubernetes"], true), label("b", &["swarm"], false));
        let wanted = |all, engine| [is_wanted(&ours, all, engine), is_wanted(&magnums, all, engine)];
        assert_eq!(wanted(false, None), [true, false]);
        assert_eq!(wanted(true, None), [true, true]);
        assert_eq!(wanted(true, Some("swarm")), [false, true]);
        assert_eq!(wanted(false, Some("swarm")), [false, false]);
    }

    #[test]
    fn explaining_needs_to_know_of_what() {
        let parses =
            |line: &str| Cli::try_parse_from(format!("jeroboam label explain {line}").split_whitespace()).is_ok();
        for good in
            ["--cluster c", "--bay c", "kube_tag --cluster c --node-group g", "--cluster-template t", "x --baymodel t"]
        {
            assert!(parses(good), "{good}");
        }
        for bad in ["", "--node-group g", "--cluster c --cluster-template t", "--node-group g --cluster-template t"] {
            assert!(!parses(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_said_with_what_there_is() {
        let said = |line: &str| {
            let words = format!("jeroboam label {line}");
            Cli::try_parse_from(words.split_whitespace()).unwrap_err().to_string()
        };
        assert!(said("explain").contains("--cluster <NAME>|--cluster-template <NAME>"), "{}", said("explain"));
        assert!(
            said("list --coe mesos").contains("[possible values: kubernetes, swarm]"),
            "{}",
            said("list --coe mesos")
        );
    }
}
