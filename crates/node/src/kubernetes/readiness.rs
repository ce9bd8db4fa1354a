//! Kubernetes' view of the cluster's nodes, from a watch.

use jeroboam_types::agent::EngineNodeState;
use k8s_openapi::api::core::v1::Node as KubeNode;
use kube::ResourceExt;
use kube::runtime::watcher::Event;

use crate::engine_view::{EngineView, READY, not_ready};

/// The known nodes of the cluster.
#[derive(Debug, Default)]
pub struct Readiness {
    view: EngineView,
    /// The new list while the nodes are listed; the previous view is used until it is complete.
    listing: Option<EngineView>,
    is_known: bool,
}

impl Readiness {
    /// Applies an event of the watch.
    pub fn follow(&mut self, event: &Event<KubeNode>) {
        match event {
            Event::Init => self.listing = Some(EngineView::new()),
            Event::InitApply(node) => {
                self.listing.get_or_insert_default().insert(node.name_any(), state(node));
            }
            Event::InitDone => {
                self.view = self.listing.take().unwrap_or_default();
                self.is_known = true;
            }
            Event::Apply(node) => {
                self.view.insert(node.name_any(), state(node));
            }
            Event::Delete(node) => {
                self.view.remove(&node.name_any());
            }
        }
    }

    /// The nodes; `None` before all of them were listed.
    pub fn view(&self) -> Option<&EngineView> {
        self.is_known.then_some(&self.view)
    }
}

/// Whether the node's `Ready` condition is true, and why not.
fn state(node: &KubeNode) -> EngineNodeState {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    match conditions.iter().find(|condition| condition.type_ == "Ready") {
        Some(condition) if condition.status == "True" => READY,
        Some(condition) => {
            let why = condition.message.as_deref().or(condition.reason.as_deref());
            not_ready(why.unwrap_or("the condition Ready is not true"))
        }
        None => not_ready("the kubelet has not reported yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, status: &str) -> KubeNode {
        serde_json::from_value(serde_json::json!({
            "metadata": { "name": name },
            "status": { "conditions": [
                { "type": "MemoryPressure", "status": "False" },
                { "type": "Ready", "status": status, "reason": "Why", "message": format!("{name} is {status}") },
            ] },
        }))
        .unwrap()
    }

    #[test]
    fn nodes_are_known_once_listed_and_followed_from_then_on() {
        let mut readiness = Readiness::default();
        readiness.follow(&Event::Init);
        readiness.follow(&Event::InitApply(node("a", "True")));
        readiness.follow(&Event::InitApply(node("b", "Unknown")));
        assert_eq!(readiness.view(), None);
        readiness.follow(&Event::InitDone);
        let view = readiness.view().unwrap();
        assert_eq!((&view["a"], &view["b"]), (&READY, &not_ready("b is Unknown")));

        readiness.follow(&Event::Apply(node("b", "True")));
        readiness.follow(&Event::Delete(node("a", "True")));
        assert_eq!(readiness.view(), Some(&EngineView::from([("b".to_owned(), READY)])));
    }

    #[test]
    fn what_was_known_holds_until_nodes_are_listed_anew() {
        let mut readiness = Readiness::default();
        readiness.follow(&Event::InitApply(node("a", "True")));
        readiness.follow(&Event::InitDone);
        readiness.follow(&Event::Init);
        readiness.follow(&Event::InitApply(node("c", "True")));
        assert!(readiness.view().unwrap().contains_key("a"));
        readiness.follow(&Event::InitDone);
        assert_eq!(readiness.view(), Some(&EngineView::from([("c".to_owned(), READY)])));
    }

    #[test]
    fn a_node_without_conditions_is_not_ready() {
        let silent: KubeNode = serde_json::from_value(serde_json::json!({ "metadata": { "name": "a" } })).unwrap();
        assert_eq!(state(&silent), not_ready("the kubelet has not reported yet"));
    }
}
