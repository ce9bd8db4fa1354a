//! All known labels, with their values and effects.

use strum::Display;

use super::magnum::OF_MAGNUM;
use super::meaning::WITH_MEANING;
use super::value::LabelType;
use crate::EngineKind;

/// A known label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelSpec {
    /// Its name.
    pub name: &'static str,
    /// Type of its value.
    pub value: LabelType,
    /// The value when it is not set.
    pub default: Option<&'static str>,
    /// Engines that it is for; empty for labels of Mesos.
    pub engines: &'static [EngineKind],
    /// Whether it has an effect here. Magnum's other labels are accepted so that its templates and clients keep
    /// working.
    pub has_effect: bool,
    /// Its scope.
    pub reach: Reach,
    /// How it can be changed after the cluster was created.
    pub change: Change,
    /// The version of Jeroboam that introduced it; `None` for labels without effect.
    pub since: Option<&'static str>,
    /// Description for users.
    pub description: &'static str,
}

/// Scope of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Reach {
    /// The whole cluster. A node group cannot have a value of its own.
    Cluster,
    /// Each node group.
    NodeGroup,
}

/// How a label can be changed after the cluster was created. Clusters keep the labels that they were created with
/// (contract magnum-v1 section 6.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Change {
    /// Not at all: create another cluster.
    Never,
    /// By upgrading the cluster to a template that has another value.
    Upgrade,
    /// With the attribute of the same name of the node group.
    NodeGroup,
}

/// All known labels: first those with an effect here, then Magnum's other ones; names are unique.
pub fn all() -> impl Iterator<Item = &'static LabelSpec> {
    WITH_MEANING.iter().chain(OF_MAGNUM)
}

/// The label of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static LabelSpec> {
    all().find(|spec| spec.name == name)
}

/// The known label most similar to `name`, if it is similar enough: a few letters added, missing, different or swapped,
/// other case, or hyphens for underscores.
#[must_use]
pub fn did_you_mean(name: &str) -> Option<&'static str> {
    let name: String = name.chars().take(super::check::MAX_NAME).collect();
    let written = name.to_lowercase().replace(['-', '.', ' '], "_");
    // One typo, and one more for every five letters.
    let most = 1 + written.chars().count() / 5;
    all()
        .map(|spec| (strsim::damerau_levenshtein(&written, spec.name), spec.name))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

impl LabelSpec {
    /// Whether it has an effect on clusters of an engine.
    #[must_use]
    pub fn has_effect_on(&self, engine: EngineKind) -> bool {
        self.has_effect && self.engines.contains(&engine)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_label_is_there_once_and_says_everything() {
        let mut names = BTreeSet::new();
        for spec in all() {
            assert!(names.insert(spec.name), "{} is there twice", spec.name);
            assert!(!spec.description.is_empty() && !spec.description.ends_with('.'), "{}", spec.name);
            assert!(spec.default.is_none_or(|default| spec.value.allows(default)), "default of {}", spec.name);
            assert_eq!(spec.has_effect, spec.since.is_some(), "{}", spec.name);
            assert!(spec.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        }
    }

    #[test]
    fn a_slip_leads_to_the_name_that_was_meant() {
        for (written, meant) in [
            ("kubetag", Some("kube_tag")),
            ("KUBE_TAG", Some("kube_tag")),
            ("kube-tag", Some("kube_tag")),
            ("flanel_backend", Some("flannel_backend")),
            ("flannel_network_cdir", Some("flannel_network_cidr")),
            ("auto_scaling_enable", Some("auto_scaling_enabled")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(did_you_mean(written), meant, "{written}");
        }
    }
}
