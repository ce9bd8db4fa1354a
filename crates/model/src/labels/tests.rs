//! What must hold of all labels: table tests, and tests over any input.

use std::collections::BTreeSet;

use proptest::collection::btree_map;
use proptest::prelude::*;
use proptest::sample::select;

use super::explain::Source;
use super::*;
use crate::EngineKind;
use crate::{Cluster, ClusterTemplate};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn cluster(engine: EngineKind, labels: Labels) -> Cluster {
    let now = jiff::Timestamp::UNIX_EPOCH;
    Cluster { labels, ..Cluster::of(&ClusterTemplate::new(engine, "i", "p", "u", now), "c", "p", "u", now) }
}

fn refusal(pairs: &[(&str, &str)], engine: EngineKind, rules: LabelRules) -> Option<String> {
    check(&labels(pairs), &Labels::new(), engine, rules).err().map(|error| error.to_string())
}

#[test]
fn a_slip_is_refused_by_name_and_with_a_hint() {
    let said = refusal(&[("kubetag", "v1.37.2")], EngineKind::KUBERNETES, LabelRules::Magnum).unwrap();
    assert!(said.starts_with("labels.kubetag: is not known, did you mean kube_tag?"), "{said}");
    let said = refusal(&[("colour", "red")], EngineKind::KUBERNETES, LabelRules::Magnum).unwrap();
    assert!(said.starts_with("labels.colour: ") && said.contains("jeroboam label list"), "{said}");
}

#[test]
fn a_wrong_value_is_refused_with_what_is_allowed() {
    for (name, value, allowed) in [
        ("flannel_backend", "pigeon", "host-gw, vxlan or udp"),
        ("boot_volume_size", "abc", "a whole number from 0"),
        ("auto_scaling_enabled", "ture", "true or false"),
        ("calico_ipv4pool", "everywhere", "comma-separated networks"),
        ("kube_tag", "latest", "a Kubernetes version such as v1.37.2, or v1.37"),
    ] {
        let said = refusal(&[(name, value)], EngineKind::KUBERNETES, LabelRules::Magnum).unwrap();
        assert!(said.starts_with(&format!("labels.{name}: must be {allowed}")) && said.contains(value), "{said}");
    }
}

#[test]
fn versions_that_are_not_made_are_refused_unless_they_were_accepted_before() {
    for (version, why) in [("v1.33", "is too old"), ("v1.20.2", "is too old"), ("1.38.0", "is not known")] {
        for rules in [LabelRules::Strict, LabelRules::Magnum, LabelRules::Any] {
            let said = refusal(&[("kube_tag", version)], EngineKind::KUBERNETES, rules).unwrap();
            assert!(said.starts_with("labels.kube_tag: Kubernetes 1.") && said.contains(why), "{said}");
            assert!(said.ends_with("this release supports 1.34 to 1.37"), "{said}");
        }
        // Where it has no effect, any version is accepted.
        assert_eq!(refusal(&[("kube_tag", version)], EngineKind::SWARM, LabelRules::Magnum), None);
        // A template of an older release can still be changed, but only to a supported version.
        let old = labels(&[("kube_tag", version)]);
        assert_eq!(check(&old, &old, EngineKind::KUBERNETES, LabelRules::Magnum), Ok(()));
        let other = labels(&[("kube_tag", "v1.21.0")]);
        assert!(check(&other, &old, EngineKind::KUBERNETES, LabelRules::Magnum).is_err());
        assert_eq!(check(&Labels::new(), &old, EngineKind::KUBERNETES, LabelRules::Magnum), Ok(()));
    }
}

#[test]
fn the_operator_chooses_which_labels_are_accepted() {
    use LabelRules::{Any, Magnum, Strict};
    for (pair, engine, strict, magnum, any) in [
        (("kube_tag", "v1.37.2"), EngineKind::KUBERNETES, true, true, true),
        (("kube_tag", "v1.37.2"), EngineKind::SWARM, false, true, true),
        (("monitoring_enabled", "true"), EngineKind::KUBERNETES, false, true, true),
        (("monitoring_enabled", ""), EngineKind::KUBERNETES, false, true, true),
        (("monitoring_enabled", "odd"), EngineKind::KUBERNETES, false, false, true),
        (("mesos_slave_work_dir", "/x"), EngineKind::SWARM, false, true, true),
        (("our_own", "x"), EngineKind::KUBERNETES, false, false, true),
        (("kube_tag", "odd"), EngineKind::KUBERNETES, false, false, false),
    ] {
        let accepted = [Strict, Magnum, Any].map(|rules| refusal(&[pair], engine, rules).is_none());
        assert_eq!(accepted, [strict, magnum, any], "{pair:?} on {engine}");
    }
}

#[test]
fn what_was_accepted_before_is_not_asked_about_again() {
    let old = labels(&[("our_own", "x")]);
    assert!(check(&old, &old, EngineKind::KUBERNETES, LabelRules::Magnum).is_ok());
    let changed = labels(&[("our_own", "y")]);
    assert!(check(&changed, &old, EngineKind::KUBERNETES, LabelRules::Magnum).is_err());
}

#[test]
fn sizes_are_bounded() {
    let many: Labels = (0..10_000).map(|n| (format!("l{n}"), String::new())).collect();
    let said = check(&many, &Labels::new(), EngineKind::KUBERNETES, LabelRules::Any).unwrap_err().to_string();
    assert_eq!(said, "labels: must be at most 256, these are 10000");
    let huge = "x".repeat(1 << 20);
    for rules in [LabelRules::Magnum, LabelRules::Any] {
        assert!(refusal(&[(&huge, "x")], EngineKind::KUBERNETES, rules).unwrap().len() < 200);
        assert!(refusal(&[("kubelet_options", &huge)], EngineKind::KUBERNETES, rules).unwrap().len() < 200);
    }
    assert!(refusal(&[("", "x")], EngineKind::KUBERNETES, LabelRules::Any).is_some());
}

#[test]
fn a_node_group_cannot_differ_in_what_holds_for_the_whole_cluster() {
    let cluster = Cluster {
        engine_version: Some("v1.36.3".to_owned()),
        ..cluster(EngineKind::KUBERNETES, labels(&[("flannel_backend", "vxlan"), ("our_own", "x")]))
    };
    let check = |pairs: &[(&str, &str)]| check_of_group(&labels(pairs), &cluster, LabelRules::Magnum);
    assert!(check(&[("flannel_backend", "vxlan"), ("our_own", "x"), ("kube_tag", "v1.36.3")]).is_ok());
    assert!(check(&[("kube_tag", "1.36")]).is_ok());
    let said = check(&[("kube_tag", "v1.37.2")]).unwrap_err().to_string();
    assert!(said.contains("where it is 'v1.36.3'"), "{said}");
    assert!(check(&[("boot_volume_size", "20"), ("availability_zone", "b")]).is_ok());
    for (name, value) in [("flannel_backend", "host-gw"), ("kube_tag", "v1.37"), ("kubetag", "v1.37.2")] {
        assert_eq!(check(&[(name, value)]).unwrap_err().field, format!("labels.{name}"));
    }
}

#[test]
fn only_both_labels_together_leave_health_to_an_agent_within() {
    let enabled = ("auto_healing_enabled", "True");
    let controller = ("auto_healing_controller", "magnum-auto-healer");
    assert!(is_watched_from_within(&labels(&[enabled, controller])));
    assert!(!is_watched_from_within(&labels(&[enabled])));
    assert!(!is_watched_from_within(&labels(&[controller])));
    assert!(!is_watched_from_within(&labels(&[enabled, ("auto_healing_controller", "draino")])));
}

fn any_labels() -> impl Strategy<Value = Labels> {
    let names: Vec<&'static str> = registry::all().map(|spec| spec.name).collect();
    let name = prop_oneof![select(names).prop_map(str::to_owned), "\\PC{0,40}"];
    let value = prop_oneof![
        "\\PC{0,40}",
        "[0-9./,]{0,20}",
        select(vec!["true", "10.1.0.0/16", "v1.37.2", "24", "vxlan", ""]).prop_map(str::to_owned),
    ];
    btree_map(name, value, 0..12)
}

fn any_engine() -> impl Strategy<Value = EngineKind> {
    select(vec![EngineKind::KUBERNETES, EngineKind::SWARM])
}

proptest! {
    #[test]
    fn any_input_is_accepted_or_refused_by_name(given in any_labels(), engine in any_engine(), parent in any_labels()) {
        for rules in [LabelRules::Strict, LabelRules::Magnum, LabelRules::Any] {
            if let Err(error) = check(&given, &Labels::new(), engine, rules) {
                let named = error.field.strip_prefix("labels.").map(str::to_owned);
                // The one that is named is the given one, or one whose default does not fit what is given.
                let is_known = |name: &str| given.contains_key(name) || registry::find(name).is_some();
                prop_assert!(error.field == "labels" || named.is_some_and(|name| is_known(&name)), "{error}");
            } else if engine == EngineKind::KUBERNETES {
                prop_assert!(KubernetesLabels::read(&given).is_ok());
            }
            let _ = check_of_group(&given, &cluster(engine, parent.clone()), rules);
        }
    }

    #[test]
    fn what_stricter_rules_accept_laxer_ones_do_too(given in any_labels(), engine in any_engine()) {
        let accepted = [LabelRules::Strict, LabelRules::Magnum, LabelRules::Any]
            .map(|rules| check(&given, &Labels::new(), engine, rules).is_ok());
        prop_assert!(accepted.is_sorted(), "{accepted:?}");
    }

    #[test]
    fn one_slip_in_a_known_name_is_found(
        name in select(registry::all().map(|spec| spec.name).collect::<Vec<_>>()),
        at in 0_usize..64,
        slip in 0..3,
    ) {
        let mut letters: Vec<char> = name.chars().collect();
        let at = at % letters.len();
        match slip {
            0 => drop(letters.remove(at)),
            1 => letters.insert(at, 'q'),
            _ => letters[at] = 'q',
        }
        let written: String = letters.into_iter().collect();
        prop_assume!(registry::find(&written).is_none());
        let meant = registry::did_you_mean(&written);
        let distance = meant.map(|meant| strsim::damerau_levenshtein(&written, meant));
        prop_assert!(distance == Some(1), "{written}: {meant:?}");
    }

    #[test]
    fn labels_can_be_put_together_again_from_how_they_differ(parent in any_labels(), given in any_labels()) {
        let Compared { overridden, added, skipped } = compare(&parent, &given);
        let mut again = given;
        again.retain(|name, _| !added.contains_key(name));
        again.extend(overridden);
        again.extend(skipped);
        prop_assert_eq!(again, parent);
    }

    #[test]
    fn given_labels_win_and_nothing_else_is_lost(parent in any_labels(), given in any_labels(), overlay: bool) {
        let merged = merge(&parent, Some(given.clone()), overlay);
        if given.is_empty() {
            prop_assert_eq!(&merged, &parent);
        } else {
            prop_assert!(given.iter().all(|(name, value)| merged.get(name) == Some(value)));
            prop_assert_eq!(compare(&parent, &merged).skipped.is_empty(), overlay || compare(&parent, &given).skipped.is_empty());
        }
        prop_assert_eq!(merge(&parent, None, overlay), parent);
    }

    #[test]
    fn everything_given_is_explained_once(
        template in any_labels(), cluster in any_labels(), group in any_labels(), engine in any_engine(),
    ) {
        let levels = [(Source::Template, &template), (Source::Cluster, &cluster), (Source::NodeGroup, &group)];
        for levels in [&levels[..1], &levels[..2], &levels[..]] {
            let explained = explain(engine, None, levels);
            let names: BTreeSet<&str> = explained.iter().map(|label| label.name).collect();
            prop_assert_eq!(names.len(), explained.len());
            prop_assert!(levels.iter().all(|(_, labels)| labels.keys().all(|name| names.contains(name.as_str()))));
            for label in &explained {
                let there = levels.iter().find(|level| level.0 == label.source).map(|level| level.1);
                let of_source = match there {
                    Some(labels) => labels.get(label.name).map(String::as_str),
                    None => label.spec.filter(|_| label.has_effect).and_then(|spec| spec.default),
                };
                prop_assert_eq!(label.value, of_source, "{:?}", label);
            }
        }
    }
}
