//! Labels in responses.

use jeroboam_model::labels::explain::Explained;
use jeroboam_model::labels::registry::LabelSpec;
use jeroboam_model::labels::value::LabelType;
use jeroboam_types::v1::{ExplainedLabel, Label, LabelExplanation};

/// A known label.
pub(super) fn show(spec: &LabelSpec) -> Label {
    let values = match spec.value {
        LabelType::Choice(values) => values.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    Label {
        name: spec.name.to_owned(),
        value_type: spec.value.word().to_owned(),
        allowed: spec.value.allowed(),
        values,
        default: spec.default.map(str::to_owned),
        engines: spec.engines.iter().map(ToString::to_string).collect(),
        has_effect: spec.has_effect,
        reach: spec.reach.to_string(),
        change: spec.change.to_string(),
        since: spec.since.map(str::to_owned),
        description: spec.description.to_owned(),
    }
}

/// Explained labels.
pub(super) fn explanation(explained: Vec<Explained<'_>>) -> LabelExplanation {
    let labels = explained.into_iter().map(|label| ExplainedLabel {
        name: label.name.to_owned(),
        value: label.value.map(str::to_owned),
        source: label.source.to_string(),
        has_effect: label.has_effect,
        note: label.note,
    });
    LabelExplanation { labels: labels.collect() }
}
