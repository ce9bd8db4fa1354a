//! The engine's view of the cluster's nodes, as masters report it, bounded by the size of a report.

use std::collections::BTreeMap;

use jeroboam_types::agent::{EngineNodeState, MAX_ENGINE_NODES, MAX_REASON};

/// The engine's nodes by their names.
pub type EngineView = BTreeMap<String, EngineNodeState>;

/// A node that is ready.
pub const READY: EngineNodeState = EngineNodeState { ready: true, reason: None };

/// State of a node that is not ready, with the reason.
pub fn not_ready(reason: &str) -> EngineNodeState {
    let mut text: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.truncate(text.floor_char_boundary(MAX_REASON));
    EngineNodeState { ready: false, reason: Some(text) }
}

/// The view to report; `None` if it is too large. In a partial view, missing nodes would count as unknown to the
/// engine.
pub fn bounded(view: EngineView) -> Option<EngineView> {
    (view.len() <= MAX_ENGINE_NODES).then_some(view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_cut_between_characters_and_stand_in_one_line() {
        let reason = |text: &str| not_ready(text).reason.unwrap();
        assert_eq!(reason("two\nlines"), "two lines");
        assert_eq!(reason(&"é".repeat(150)), "é".repeat(100));
        assert_eq!(reason(&format!("x{}", "é".repeat(150))).len(), 199);
    }

    #[test]
    fn a_view_that_is_too_long_is_none() {
        let view = |count: usize| (0..count).map(|number| (number.to_string(), READY)).collect::<EngineView>();
        assert_eq!(bounded(view(MAX_ENGINE_NODES)).map(|view| view.len()), Some(MAX_ENGINE_NODES));
        assert_eq!(bounded(view(MAX_ENGINE_NODES + 1)), None);
    }
}
