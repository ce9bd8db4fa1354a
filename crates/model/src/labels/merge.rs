//! Inheritance of labels from a template to its clusters and from a cluster to its node groups, and their differences
//! (contract magnum-v1 section 6.9).

use super::Labels;

/// The labels of a cluster or node group: the given ones replace the parent's, or overlay them when `overlay`
/// (`merge_labels`) is set. `None` and an empty dictionary both keep the parent's.
#[must_use]
pub fn merge(parent: &Labels, given: Option<Labels>, overlay: bool) -> Labels {
    match given {
        Some(given) if !given.is_empty() => {
            let mut labels = if overlay { parent.clone() } else { Labels::new() };
            labels.extend(given);
            labels
        }
        _ => parent.clone(),
    }
}

/// Differences between labels and those of the parent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compared {
    /// In both with different values; these are the parent's.
    pub overridden: Labels,
    /// Not in the parent.
    pub added: Labels,
    /// Only in the parent.
    pub skipped: Labels,
}

/// Compares labels with those of the parent: the template of a cluster, or the cluster of a node group.
#[must_use]
pub fn compare(parent: &Labels, labels: &Labels) -> Compared {
    let pick = |from: &Labels, want: &dyn Fn(&String, &String) -> bool| -> Labels {
        from.iter().filter(|(key, value)| want(key, value)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    Compared {
        overridden: pick(parent, &|key, value| labels.get(key).is_some_and(|other| other != value)),
        added: pick(labels, &|key, _| !parent.contains_key(key)),
        skipped: pick(parent, &|key, _| !labels.contains_key(key)),
    }
}
