//! What the targets of `fuzz/` do with generated input. Ordinary tests do the same with the inputs in `fuzz/corpus`.
//! Not for other crates.
//!
//! Each function panics when an invariant is broken; refusing the input is always allowed.

use jeroboam_identity::Auth;
use jeroboam_identity::policy::{self, Policy, PolicyTarget};
use jeroboam_model::labels::explain::Source;
use jeroboam_model::labels::{self, LabelRules};
use jeroboam_model::{EngineKind, Labels};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::http::patch::{self, Rules};
use crate::http::{json, literal};

/// A policy file, and each of its lines as a rule: what can be parsed can be enforced, and `explain` agrees with
/// `enforce`.
#[allow(clippy::panic)]
pub fn policy(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for line in text.lines() {
        if let Ok(expression) = policy::parse(line) {
            // The written form parses to the same expression.
            let written = expression.to_string();
            assert_eq!(policy::parse(&written).as_ref(), Ok(&expression), "{line} became {written}");
        }
    }
    let Ok((policy, _)) = Policy::read(&text) else { return };
    let auth = Auth {
        user_id: "u".to_owned(),
        user_name: "u".to_owned(),
        project_id: "p".to_owned(),
        project_name: "p".to_owned(),
        roles: ["member".to_owned()].into(),
        expires_at: Timestamp::MAX,
    };
    let target = PolicyTarget { project_id: "q", user_id: "v" };
    for (name, _) in policy.rules() {
        let allowed = policy.enforce(name, &auth, target).is_ok();
        assert_eq!(allowed, policy.explain(name, &auth, target).allowed, "{name}");
    }
}

/// A patch as a client sends it: no attribute is added or removed, and read-only attributes stay unchanged.
#[allow(clippy::panic)]
pub fn json_patch(input: &[u8]) {
    const RULES: Rules = Rules { internal: &["status"], mandatory: &["coe"], dictionaries: &["labels"] };
    // Strings in patches may contain dictionaries.
    let _ = literal::parse(&String::from_utf8_lossy(input));
    let Ok(Value::Array(operations)) = json::parse(input) else { return };
    let Ok(operations) = patch::parse(operations) else { return };
    let before: Map<String, Value> = [
        ("uuid", json!("u")),
        ("status", json!("CREATE_COMPLETE")),
        ("coe", json!("kubernetes")),
        ("name", json!("n")),
        ("tags", Value::Null),
        ("node_count", json!(1)),
        ("labels", json!({"a": "b"})),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let mut after = before.clone();
    if patch::apply(&mut after, operations, RULES).is_err() {
        return;
    }
    assert!(after.keys().eq(before.keys()), "attributes came or went: {after:?}");
    assert!(!after["coe"].is_null(), "a mandatory attribute was removed");
    for name in ["uuid", "status"] {
        assert_eq!(after[name], before[name], "{name} was touched");
    }
}

/// Labels, one `name=value` per line: what is accepted can be explained and is accepted again.
#[allow(clippy::panic)]
pub fn labels(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let given: Labels = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let none = Labels::new();
    for engine in [EngineKind::KUBERNETES, EngineKind::SWARM] {
        for rules in [LabelRules::Strict, LabelRules::Magnum, LabelRules::Any] {
            if labels::check(&given, &none, engine, rules).is_ok() {
                assert!(labels::check(&given, &given, engine, rules).is_ok(), "{given:?} are refused the second time");
                let explained = labels::explain(engine, None, &[(Source::Template, &given)]);
                assert!(given.keys().all(|name| explained.iter().any(|label| label.name == name)), "{given:?}");
            }
        }
    }
    let merged = labels::merge(&none, Some(given.clone()), true);
    assert_eq!(merged, given);
}
