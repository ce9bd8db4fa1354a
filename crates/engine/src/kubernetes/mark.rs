//! Labels and taints of node groups on their nodes. A kubelet registers its node with them, once; later changes are
//! applied to the nodes here.
//!
//! An annotation of the node lists which of its labels and taints are the group's, so that those that the group no
//! longer has are removed and those set by others stay.

use std::collections::{BTreeMap, BTreeSet};

use jeroboam_types::agent;
use k8s_openapi::api::core::v1::{Node, Taint};
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{FIELD_MANAGER, LIMIT, within};
use crate::{NodeMarks, Result};

/// The annotation with the group's labels and taints.
const ANNOTATION: &str = "jeroboam.org/node-group-marks";

/// Most attempts to patch a node that others change concurrently. Kubelets do so every few seconds.
const ATTEMPTS: usize = 5;

/// Value of the annotation: keys of labels, keys and effects of taints.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Ours {
    labels: BTreeSet<String>,
    taints: BTreeSet<(String, String)>,
}

pub(super) async fn mark(client: &Client, marks: &BTreeMap<String, NodeMarks>) -> Result<()> {
    within(LIMIT, "labelling its nodes", async {
        for node in super::node::list(client).await? {
            if let Some(marks) = marks.get(&node.name_any()) {
                // Boxed because nodes are large, and few need this.
                Box::pin(mark_one(client, node, marks)).await?;
            }
        }
        Ok(())
    })
    .await
}

async fn mark_one(client: &Client, mut node: Node, marks: &NodeMarks) -> std::result::Result<(), kube::Error> {
    let api: Api<Node> = Api::all(client.clone());
    let name = node.name_any();
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    for attempt in 1.. {
        let Some(patch) = patch(&node, marks) else { return Ok(()) };
        match api.patch(&name, &parameters, &Patch::Merge(patch)).await {
            Err(kube::Error::Api(status)) if status.code == 409 && attempt < ATTEMPTS => node = api.get(&name).await?,
            // The node was deleted concurrently: nothing to label.
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            other => return other.map(|_| ()),
        }
    }
    Ok(())
}

/// The patch that the node needs; `None` when it is as it should be.
fn patch(node: &Node, marks: &NodeMarks) -> Option<Value> {
    let before: Ours =
        node.annotations().get(ANNOTATION).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let after = Ours {
        labels: marks.labels.keys().cloned().collect(),
        taints: marks.taints.iter().map(|taint| (taint.key.clone(), taint.effect.clone())).collect(),
    };
    let mut labels = Map::new();
    for gone in before.labels.difference(&after.labels).filter(|key| node.labels().contains_key(*key)) {
        labels.insert(gone.clone(), Value::Null);
    }
    for (key, value) in marks.labels.iter().filter(|(key, value)| node.labels().get(*key) != Some(value)) {
        labels.insert(key.clone(), json!(value));
    }
    let there = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    let is_theirs = |taint: &&Taint| {
        let id = (taint.key.clone(), taint.effect.clone());
        !before.taints.contains(&id) && !after.taints.contains(&id)
    };
    let taints: Vec<Taint> = there.iter().filter(is_theirs).cloned().chain(marks.taints.iter().map(taint)).collect();
    if labels.is_empty() && before == after && is_same(&taints, &there) {
        return None;
    }
    let annotation = if after == Ours::default() { Value::Null } else { json!(json!(after).to_string()) };
    Some(json!({
        "metadata": {
            // The list of taints is replaced as a whole, so it must not have changed since it was read.
            "resourceVersion": node.resource_version(),
            "labels": labels,
            "annotations": {ANNOTATION: annotation},
        },
        "spec": {"taints": taints},
    }))
}

fn is_same(wanted: &[Taint], there: &[Taint]) -> bool {
    let set = |taints: &[Taint]| -> BTreeSet<(String, String, String)> {
        let id = |taint: &Taint| (taint.key.clone(), taint.effect.clone(), taint.value.clone().unwrap_or_default());
        taints.iter().map(id).collect()
    };
    set(wanted) == set(there)
}

fn taint(taint: &agent::Taint) -> Taint {
    Taint {
        key: taint.key.clone(),
        effect: taint.effect.clone(),
        value: Some(taint.value.clone()).filter(|value| !value.is_empty()),
        time_added: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(labels: &[(&str, &str)], taints: &[(&str, &str)]) -> NodeMarks {
        NodeMarks {
            labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            taints: taints
                .iter()
                .map(|(key, effect)| agent::Taint {
                    key: (*key).to_owned(),
                    value: String::new(),
                    effect: (*effect).to_owned(),
                })
                .collect(),
        }
    }

    /// The node after a patch, by the rules of merge patches (RFC 7396) as far as they matter here.
    fn patched(node: &Node, patch: &Value) -> Node {
        let mut node = serde_json::to_value(node).unwrap();
        for part in ["labels", "annotations"] {
            let there = node["metadata"].as_object_mut().unwrap().entry(part).or_insert_with(|| json!({}));
            for (key, value) in patch["metadata"][part].as_object().unwrap() {
                match value {
                    Value::Null => there.as_object_mut().unwrap().remove(key),
                    value => there.as_object_mut().unwrap().insert(key.clone(), value.clone()),
                };
            }
        }
        node["spec"]["taints"] = patch["spec"]["taints"].clone();
        serde_json::from_value(node).unwrap()
    }

    fn node() -> Node {
        serde_json::from_value(json!({
            "metadata": {"name": "n", "resourceVersion": "7", "labels": {"theirs": "x", "a": "1"}},
            "spec": {"taints": [{"key": "theirs", "effect": "NoSchedule"}, {"key": "gpu", "effect": "NoExecute"}]},
        }))
        .unwrap()
    }

    type Pairs<'a> = Vec<(&'a str, &'a str)>;

    /// Labels, and keys and effects of taints.
    fn facts(node: &Node) -> (Pairs<'_>, Pairs<'_>) {
        let labels = node.labels().iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let mut taints: Vec<(&str, &str)> = node
            .spec
            .as_ref()
            .and_then(|spec| spec.taints.as_deref())
            .unwrap_or_default()
            .iter()
            .map(|taint| (taint.key.as_str(), taint.effect.as_str()))
            .collect();
        taints.sort_unstable();
        (labels, taints)
    }

    #[test]
    fn a_node_follows_its_group_and_keeps_what_others_gave_it() {
        // As the kubelet registered it: with the group's label and taint, and no annotation yet.
        let first = marks(&[("a", "1"), ("b", "2")], &[("gpu", "NoExecute")]);
        let change = patch(&node(), &first).unwrap();
        assert_eq!(change["metadata"]["resourceVersion"], "7");
        let node = patched(&node(), &change);
        let (labels, taints) = facts(&node);
        assert_eq!(labels, [("a", "1"), ("b", "2"), ("theirs", "x")]);
        assert_eq!(taints, [("gpu", "NoExecute"), ("theirs", "NoSchedule")]);
        assert_eq!(patch(&node, &first), None, "repeating it changes nothing");

        let second = marks(&[("b", "3")], &[("gpu", "NoSchedule")]);
        let node = patched(&node, &patch(&node, &second).unwrap());
        let (labels, taints) = facts(&node);
        assert_eq!(labels, [("b", "3"), ("theirs", "x")]);
        assert_eq!(taints, [("gpu", "NoSchedule"), ("theirs", "NoSchedule")]);

        let none = NodeMarks::default();
        let node = patched(&node, &patch(&node, &none).unwrap());
        let (labels, taints) = facts(&node);
        assert_eq!((labels, taints), (vec![("theirs", "x")], vec![("theirs", "NoSchedule")]));
        assert!(node.annotations().is_empty());
        assert_eq!(patch(&node, &none), None);
    }
}
