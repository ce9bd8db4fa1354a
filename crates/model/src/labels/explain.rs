//! Effective labels, and the source of each.

use std::collections::BTreeSet;

use strum::Display;

use super::registry::{self, LabelSpec, Reach};
use super::{KUBE_TAG, Labels, check};
use crate::{EngineKind, kubernetes};

/// Source of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Source {
    /// It is not set.
    Default,
    /// The template.
    Template,
    /// The cluster.
    Cluster,
    /// The node group.
    NodeGroup,
}

/// An effective label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained<'a> {
    /// Its name.
    pub name: &'a str,
    /// The effective value; `None` when it is neither set nor has a default.
    pub value: Option<&'a str>,
    /// Source of the value.
    pub source: Source,
    /// Whether it has an effect.
    pub has_effect: bool,
    /// Remarks on the value.
    pub note: Option<String>,
    /// Its specification, if it is known.
    pub spec: Option<&'static LabelSpec>,
}

/// Explains the labels of the last of `levels`, which are ordered from the outside: template, cluster, node group, as
/// far as they exist. Lists the labels that have an effect on the engine, set or not, and all others that are set.
///
/// `version` is the exact version of Kubernetes of a cluster, or the one that a new cluster from a template would get;
/// `None` for other engines.
#[must_use]
pub fn explain<'a>(
    engine: EngineKind,
    version: Option<&'a str>,
    levels: &[(Source, &'a Labels)],
) -> Vec<Explained<'a>> {
    let given = levels.iter().flat_map(|(_, labels)| labels.keys().map(String::as_str));
    let with_effect = registry::all().filter(|spec| spec.has_effect_on(engine)).map(|spec| spec.name);
    let names: BTreeSet<&'a str> = given.chain(with_effect).collect();
    names
        .into_iter()
        .map(|name| {
            let mut explained = explain_one(engine, name, levels);
            if name == KUBE_TAG && explained.has_effect {
                explain_version(&mut explained, version);
            }
            explained
        })
        .collect()
}

/// Adds the exact version where the label leaves it open.
fn explain_version<'a>(explained: &mut Explained<'a>, version: Option<&'a str>) {
    let note = match (explained.source, explained.value, version) {
        (Source::Default, _, Some(version)) => {
            explained.value = Some(version);
            return;
        }
        (_, Some(given), Some(version)) if given != version => format!("stands for {version}"),
        (_, Some(given), None) => {
            match given.parse::<kubernetes::Request>().ok().and_then(kubernetes::Request::refusal) {
                Some(why) => why,
                None => return,
            }
        }
        _ => return,
    };
    let notes: Vec<String> = [Some(note), explained.note.take()].into_iter().flatten().collect();
    explained.note = Some(notes.join("; "));
}

fn explain_one<'a>(engine: EngineKind, name: &'a str, levels: &[(Source, &'a Labels)]) -> Explained<'a> {
    let spec = registry::find(name);
    let has_effect = spec.is_some_and(|spec| spec.has_effect_on(engine));
    // A node group cannot override a cluster-wide label.
    let holds_for_cluster = has_effect && spec.is_some_and(|spec| spec.reach == Reach::Cluster);
    let levels = match levels {
        [outer @ .., (Source::NodeGroup, _)] if holds_for_cluster => outer,
        all => all,
    };
    let value_at = |level: &(Source, &'a Labels)| level.1.get(name).map(String::as_str);
    let given = levels.last().and_then(value_at);
    // Its source is the outermost level that passed it on unchanged.
    let source = given.map_or(Source::Default, |value| {
        let unchanged = levels.iter().rev().take_while(|level| value_at(level) == Some(value));
        unchanged.last().map_or(Source::Default, |level| level.0)
    });
    let parent = levels.iter().rev().skip(1).find_map(|level| Some((level.0, value_at(level)?)));
    let mut notes = Vec::new();
    match (given, parent) {
        (Some(value), Some((from, other))) if value != other => notes.push(format!("{from} has {other}")),
        (None, Some((from, other))) => notes.push(format!("{from} has {other}, which was not taken over")),
        _ => {}
    }
    match spec {
        None => notes.push("not known, no effect".to_owned()),
        Some(spec) if !spec.has_effect => notes.push("Magnum's, no effect here".to_owned()),
        Some(_) if !has_effect => notes.push(format!("no effect on {engine}")),
        Some(_) => {}
    }
    let value = given.or_else(|| spec.filter(|_| has_effect).and_then(|spec| spec.default));
    if let (Some(value), Some(spec)) = (given, spec.filter(|_| has_effect))
        && !spec.value.allows(value)
    {
        notes.push(check::refused(spec, value).message);
    }
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    Explained { name, value, source, has_effect, note, spec }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn find<'a>(explained: &'a [Explained<'a>], name: &str) -> (Option<&'a str>, Source, bool, &'a str) {
        let found = explained.iter().find(|label| label.name == name).unwrap();
        (found.value, found.source, found.has_effect, found.note.as_deref().unwrap_or_default())
    }

    #[test]
    fn each_value_says_where_it_comes_from() {
        let template = labels(&[
            ("kube_tag", "v1.36"),
            ("flannel_backend", "vxlan"),
            ("availability_zone", "a"),
            ("service_cluster_ip_range", "10.1.0.0/16"),
        ]);
        let cluster = labels(&[("kube_tag", "v1.36"), ("flannel_backend", "host-gw"), ("own", "x")]);
        let group = labels(&[("boot_volume_size", "10"), ("flannel_backend", "vxlan"), ("own", "x")]);
        let of_cluster = [(Source::Template, &template), (Source::Cluster, &cluster)];
        let explained = explain(EngineKind::KUBERNETES, Some("v1.36.3"), &of_cluster);
        assert_eq!(find(&explained, "kube_tag"), (Some("v1.36"), Source::Template, true, "stands for v1.36.3"));
        assert_eq!(find(&explained, "flannel_backend"), (Some("host-gw"), Source::Cluster, true, "template has vxlan"));
        assert_eq!(find(&explained, "own"), (Some("x"), Source::Cluster, false, "not known, no effect"));
        assert_eq!(
            find(&explained, "service_cluster_ip_range"),
            (Some("10.254.0.0/16"), Source::Default, true, "template has 10.1.0.0/16, which was not taken over")
        );
        assert_eq!(find(&explained, "flannel_network_cidr"), (Some("10.100.0.0/16"), Source::Default, true, ""));

        let of_group = [(Source::Template, &template), (Source::Cluster, &cluster), (Source::NodeGroup, &group)];
        let explained = explain(EngineKind::KUBERNETES, Some("v1.36.3"), &of_group);
        assert_eq!(find(&explained, "boot_volume_size").1, Source::NodeGroup);
        assert_eq!(find(&explained, "own").1, Source::Cluster);
        assert_eq!(find(&explained, "flannel_backend").0, Some("host-gw"), "it holds for the whole cluster");
        assert_eq!(find(&explained, "kube_tag").1, Source::Template);
    }

    #[test]
    fn the_exact_version_is_told_where_the_label_leaves_it_open() {
        let explained = |given: &[(&str, &str)], version: Option<&str>| {
            let given = labels(given);
            let explained = explain(EngineKind::KUBERNETES, version, &[(Source::Cluster, &given)]);
            let (value, source, _, note) = find(&explained, "kube_tag");
            (value.unwrap_or_default().to_owned(), source, note.to_owned())
        };
        let says = |value: &str, source: Source, note: &str| (value.to_owned(), source, note.to_owned());
        // Fixed at creation, whatever the default is today.
        assert_eq!(explained(&[], Some("v1.36.3")), says("v1.36.3", Source::Default, ""));
        assert_eq!(explained(&[], None), says("v1.37.2", Source::Default, ""));
        let exact = [("kube_tag", "v1.36.3")];
        assert_eq!(explained(&exact, Some("v1.36.3")), says("v1.36.3", Source::Cluster, ""));
        assert_eq!(
            explained(&[("kube_tag", "1.36")], Some("v1.36.3")),
            says("1.36", Source::Cluster, "stands for v1.36.3")
        );
        let (old, why) = ([("kube_tag", "v1.20.2")], "Kubernetes 1.20 is too old: this release supports 1.34 to 1.37");
        assert_eq!(explained(&old, None), says("v1.20.2", Source::Cluster, why));
        assert_eq!(explained(&old, Some("v1.20.2")), says("v1.20.2", Source::Cluster, ""));
    }

    #[test]
    fn what_does_nothing_says_so() {
        let template = labels(&[("kube_tag", "v1.36"), ("monitoring_enabled", "true")]);
        let explained = explain(EngineKind::SWARM, None, &[(Source::Template, &template)]);
        assert_eq!(find(&explained, "kube_tag"), (Some("v1.36"), Source::Template, false, "no effect on swarm"));
        let note = find(&explained, "monitoring_enabled").3;
        assert_eq!(note, "Magnum's, no effect here");
    }
}
