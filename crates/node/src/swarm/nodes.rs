//! A manager's view of the swarm's nodes.

use std::time::Duration;

use jeroboam_types::agent::EngineNodeState;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::membership::Engine;
use crate::board::Board;
use crate::engine_view::{EngineView, READY, bounded, not_ready};

/// Interval of listing the nodes without an event, and timeout of the list.
const LOOK: Duration = Duration::from_secs(5);

/// Delay before a failed request for events is retried.
const AGAIN: Duration = Duration::from_secs(1);

/// Keeps the reported view in sync with the engine's, forever.
pub async fn follow(engine: &Engine, board: &Board) {
    loop {
        // Events are requested before the list, so that no change is missed.
        let mut events = engine.node_events().await;
        loop {
            let nodes = timeout(LOOK, engine.nodes()).await;
            board.engine_nodes(nodes.ok().and_then(Result::ok).as_ref().and_then(view).and_then(bounded));
            let event = match &mut events {
                Ok(events) => timeout(LOOK, events.chunk()).await,
                Err(_) => break,
            };
            // The content of events is not used: the nodes are listed again. Also without an event for a while.
            if matches!(event, Ok(Ok(None) | Err(_))) {
                break;
            }
        }
        sleep(AGAIN).await;
    }
}

/// The nodes in the engine's response; `None` if it is not a list.
fn view(nodes: &Value) -> Option<EngineView> {
    let mut view = EngineView::new();
    for node in nodes.as_array()? {
        let Some(name) = node["Description"]["Hostname"].as_str() else { continue };
        let state = state(node);
        // A recreated machine leaves its old entry behind, as a node of the same name that is down.
        if state.ready || !view.contains_key(name) {
            view.insert(name.to_owned(), state);
        }
    }
    Some(view)
}

fn state(node: &Value) -> EngineNodeState {
    if node["ManagerStatus"]["Reachability"] == "unreachable" {
        return not_ready("the other managers do not reach it");
    }
    let status = &node["Status"];
    match (status["State"].as_str(), status["Message"].as_str()) {
        (Some("ready"), _) => READY,
        (Some(state), Some(message)) if !message.is_empty() => not_ready(&format!("{state}: {message}")),
        (state, _) => not_ready(&format!("the node is {}", state.unwrap_or("unknown"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(name: &str, status: &Value) -> Value {
        json!({ "ID": "x", "Description": { "Hostname": name }, "Status": status })
    }

    #[test]
    fn nodes_are_ready_or_say_why_not() {
        let mut lost = node("m", &json!({ "State": "ready" }));
        lost["ManagerStatus"] = json!({ "Reachability": "unreachable" });
        let nodes = json!([
            node("a", &json!({ "State": "ready" })),
            node("b", &json!({ "State": "down", "Message": "heartbeat failure" })),
            node("c", &json!({ "State": "unknown" })),
            lost,
        ]);
        let expected = EngineView::from([
            ("a".to_owned(), READY),
            ("b".to_owned(), not_ready("down: heartbeat failure")),
            ("c".to_owned(), not_ready("the node is unknown")),
            ("m".to_owned(), not_ready("the other managers do not reach it")),
        ]);
        assert_eq!(view(&nodes), Some(expected));
        assert_eq!(view(&json!({ "message": "no leader" })), None);
    }

    #[test]
    fn of_two_nodes_of_a_name_the_one_that_is_ready_counts() {
        let (up, down) = (node("a", &json!({ "State": "ready" })), node("a", &json!({ "State": "down" })));
        for nodes in [json!([up, down]), json!([down, up])] {
            assert_eq!(view(&nodes), Some(EngineView::from([("a".to_owned(), READY)])));
        }
    }
}
