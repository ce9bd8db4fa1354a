//! Checks of the labels in requests.

use strum::{Display, EnumString};

use super::registry::{self, LabelSpec, Reach};
use super::{KUBE_TAG, Labels};
use crate::{Cluster, EngineKind, FieldError, kubernetes};

/// Most labels of one template, cluster or node group: more than there are known labels.
pub const MAX_LABELS: usize = 256;
/// Longest name of a label, the limit of other texts.
pub const MAX_NAME: usize = crate::validate::MAX_TEXT;
/// Longest value of a label in bytes: enough for options of components and small configuration files.
pub const MAX_VALUE: usize = 16 << 10;

/// Which labels are accepted. Configured by the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Display, EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum LabelRules {
    /// Only those that have an effect on the cluster's engine.
    Strict,
    /// Also those that Magnum knows, without effect. An unknown label is refused: it is likely a typo.
    #[default]
    Magnum,
    /// All, as in Magnum, for templates with custom labels. The values of labels with an effect are still checked.
    Any,
}

/// Checks the labels of a template or cluster, and that they fit together. `accepted` are labels that were accepted
/// before: those of the template for a cluster, the old ones for a patch. They are not checked again, so that stricter
/// rules do not break existing templates and clusters.
///
/// # Errors
/// Names the label as `labels.NAME`, and the allowed values or the likely intended name.
pub fn check(labels: &Labels, accepted: &Labels, engine: EngineKind, rules: LabelRules) -> Result<(), FieldError> {
    check_each(labels, accepted, engine, rules)?;
    (engine.check_labels)(labels, accepted)
}

/// Checks the labels of a node group of a cluster. A cluster-wide label cannot have another value in one of the groups.
///
/// # Errors
/// As [`check`].
pub fn check_of_group(labels: &Labels, cluster: &Cluster, rules: LabelRules) -> Result<(), FieldError> {
    let engine = cluster.engine;
    check_each(labels, &cluster.labels, engine, rules)?;
    for (name, value) in labels {
        let Some(spec) = registry::find(name).filter(|spec| spec.has_effect_on(engine)) else { continue };
        let (of_cluster, is_same) = match cluster.engine_version.as_deref().filter(|_| name == KUBE_TAG) {
            Some(version) => (Some(version), cluster.labels.get(name) == Some(value) || is_version(value, version)),
            None => (effective(&cluster.labels, spec), effective(&cluster.labels, spec) == Some(value)),
        };
        if spec.reach == Reach::Cluster && !is_same {
            let of_cluster = of_cluster.unwrap_or_default();
            return Err(wrong(
                name,
                format!("holds for the whole cluster, where it is '{of_cluster}'. Leave it out of the node group"),
            ));
        }
    }
    Ok(())
}

/// Whether a requested version is the existing one.
fn is_version(asked: &str, there: &str) -> bool {
    match (asked.parse::<kubernetes::Request>(), there.parse()) {
        (Ok(asked), Ok(there)) => asked.admits(there),
        _ => asked == there,
    }
}

fn check_each(labels: &Labels, accepted: &Labels, engine: EngineKind, rules: LabelRules) -> Result<(), FieldError> {
    if labels.len() > MAX_LABELS {
        return Err(FieldError::new("labels", format!("must be at most {MAX_LABELS}, these are {}", labels.len())));
    }
    for (name, value) in labels {
        if accepted.get(name) != Some(value) {
            check_one(name, value, engine, rules)?;
        }
    }
    Ok(())
}

fn check_one(name: &str, value: &str, engine: EngineKind, rules: LabelRules) -> Result<(), FieldError> {
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(FieldError::new("labels", format!("must have names of 1 to {MAX_NAME} characters")));
    }
    if value.len() > MAX_VALUE {
        return Err(wrong(name, format!("must have at most {MAX_VALUE} bytes, this has {}", value.len())));
    }
    let Some(spec) = registry::find(name) else {
        return if rules == LabelRules::Any { Ok(()) } else { Err(unknown(name)) };
    };
    let has_effect = spec.has_effect_on(engine);
    if !has_effect && rules == LabelRules::Strict {
        let why = if spec.has_effect { format!("has no effect on {engine}") } else { "has no effect here".to_owned() };
        return Err(wrong(name, format!("{why}. Leave it out")));
    }
    // Web forms send an empty string for fields left empty.
    let is_left_empty = value.is_empty() && !has_effect;
    let is_checked = has_effect || rules != LabelRules::Any;
    if is_checked && !is_left_empty && !spec.value.allows(value) {
        return Err(refused(spec, value));
    }
    Ok(())
}

/// The error for a value that is not allowed.
pub(super) fn refused(spec: &LabelSpec, value: &str) -> FieldError {
    let shown: String = value.chars().take(MAX_NAME).collect();
    wrong(spec.name, format!("must be {}, this is '{shown}'", spec.value.allowed()))
}

/// An error about a label.
pub(super) fn wrong(name: &str, message: String) -> FieldError {
    FieldError::new(format!("labels.{name}"), message)
}

/// The error for an unknown label. It is one sentence, as Magnum's clients print only the first one.
fn unknown(name: &str) -> FieldError {
    let message = match registry::did_you_mean(name) {
        Some(meant) => format!("is not known, did you mean {meant}? 'jeroboam label list' names all labels"),
        None => "is not known; 'jeroboam label list' and GET /v1/labels name all labels".to_owned(),
    };
    wrong(name, message)
}

/// The value of a label, or its default.
pub(super) fn effective<'a>(labels: &'a Labels, spec: &LabelSpec) -> Option<&'a str> {
    labels.get(spec.name).map(String::as_str).or(spec.default)
}
