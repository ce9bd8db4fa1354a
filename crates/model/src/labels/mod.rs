//! Labels: what there are, what they may be, how they are handed down, and which ones hold.
//!
//! | file | what |
//! |---|---|
//! | [`registry`] | every label that is known |
//! | `meaning`, `magnum` | the tables: those that do something here, and Magnum's other ones |
//! | [`value`] | what a value may be |
//! | [`mod@check`] | whether labels that somebody gives are accepted |
//! | `merge` | from the template to the cluster to the node group |
//! | [`mod@explain`] | which value holds and where it comes from |
//! | `kubernetes` | those that shape a Kubernetes cluster, read |

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

/// The Kubernetes version that clusters get when their labels do not say: the newest of this release, if the image
/// carries it.
pub const DEFAULT_KUBERNETES_VERSION: &str = "v1.37.2";

/// The label with the version of Kubernetes.
pub const KUBE_TAG: &str = "kube_tag";

/// Whether what is missing of a cluster is repaired without anybody asking.
#[must_use]
pub fn heals_by_itself(labels: &Labels) -> bool {
    let is_off = labels.get("auto_healing_enabled").and_then(|text| boolean(text)) == Some(false);
    !is_off && !is_watched_from_within(labels)
}

/// Whether an agent in the cluster says how it fares, so that nobody else is to look (contract magnum-v1 section 7.5).
#[must_use]
pub fn is_watched_from_within(labels: &Labels) -> bool {
    labels.get("auto_healing_enabled").and_then(|text| boolean(text)) == Some(true)
        && labels.get("auto_healing_controller").is_some_and(|controller| controller == "magnum-auto-healer")
}
