//! Labels: which are known, their values, their inheritance, and the effective ones.
//!
//! | file | what |
//! |---|---|
//! | [`registry`] | all known labels |
//! | `meaning`, `magnum` | the tables: labels with an effect here, and Magnum's other ones |
//! | [`value`] | types of values |
//! | [`mod@check`] | checks of the labels in requests |
//! | `merge` | inheritance from the template to the cluster to the node group |
//! | [`mod@explain`] | the effective value and its source |
//! | `kubernetes` | parsing of those that configure a Kubernetes cluster |

pub mod check;
pub mod explain;
mod kubernetes;
mod magnum;
mod meaning;
mod merge;
pub mod registry;
#[cfg(test)]
mod tests;
pub mod value;

use std::collections::BTreeMap;

pub use check::{LabelRules, MAX_LABELS, check, check_of_group};
pub use explain::explain;
pub use kubernetes::{KubernetesLabels, PodSecurity};
pub use merge::{Compared, compare, merge};
pub use value::boolean;

/// Labels of templates, clusters and node groups.
pub type Labels = BTreeMap<String, String>;

/// The Kubernetes version of clusters without a version label: the newest of this release, if the image has it.
pub const DEFAULT_KUBERNETES_VERSION: &str = "v1.37.2";

/// The label with the version of Kubernetes.
pub const KUBE_TAG: &str = "kube_tag";

/// Whether missing parts of a cluster are repaired automatically.
#[must_use]
pub fn heals_by_itself(labels: &Labels) -> bool {
    let is_off = labels.get("auto_healing_enabled").and_then(|text| boolean(text)) == Some(false);
    !is_off && !is_watched_from_within(labels)
}

/// Whether an agent in the cluster reports its health, so that the server does not check it (contract magnum-v1 section
/// 7.5).
#[must_use]
pub fn is_watched_from_within(labels: &Labels) -> bool {
    labels.get("auto_healing_enabled").and_then(|text| boolean(text)) == Some(true)
        && labels.get("auto_healing_controller").is_some_and(|controller| controller == "magnum-auto-healer")
}
