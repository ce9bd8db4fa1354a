//! Kubernetes' own view of the cluster's nodes.

use jeroboam_model::NodeRole;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, DeleteParams, ListParams};
use kube::{Client, ResourceExt as _};

use super::{LIMIT, within};
use crate::{EngineNode, Result};

/// Nodes per page of a list.
const PAGE: u32 = 250;
/// Most nodes that are read: no cluster of ours is as large, whatever its API reports.
const MOST_NODES: usize = 10_000;
/// Label of nodes that run the control plane.
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

pub(super) async fn nodes(client: &Client) -> Result<Vec<EngineNode>> {
    let list = within(LIMIT, "listing its nodes", list(client)).await?;
    Ok(list.iter().map(engine_node).collect())
}

pub(super) async fn list(client: &Client) -> std::result::Result<Vec<Node>, kube::Error> {
    let api = Api::<Node>::all(client.clone());
    let mut parameters = ListParams::default().limit(PAGE);
    let mut nodes = Vec::new();
    loop {
        let page = api.list(&parameters).await?;
        nodes.extend(page.items);
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() && nodes.len() < MOST_NODES => {
                parameters = parameters.continue_token(&token);
            }
            _ => return Ok(nodes),
        }
    }
}

/// Deletes the node from Kubernetes. The pod garbage collector then deletes the pods that are bound to it.
pub(super) async fn forget(client: &Client, name: &str) -> Result<()> {
    if !crate::manifest::rules::is_subdomain(name) {
        // No node has such a name, and it must not get into a URL path.
        return Ok(());
    }
    within(LIMIT, "removing a node from it", async {
        match Api::<Node>::all(client.clone()).delete(name, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            other => other.map(|_| ()),
        }
    })
    .await
}

pub(super) fn engine_node(node: &Node) -> EngineNode {
    let info = node.status.as_ref().and_then(|status| status.node_info.as_ref());
    let (ready, reason) = readiness(node);
    let is_master = node.labels().contains_key(CONTROL_PLANE);
    EngineNode {
        name: node.name_any(),
        role: if is_master { NodeRole::Master } else { NodeRole::Worker },
        ready,
        reason,
        version: info.map(|info| info.kubelet_version.clone()),
        runtime: info.map(|info| info.container_runtime_version.clone()),
    }
}

/// Whether the node's `Ready` condition is true, and why not.
pub(super) fn readiness(node: &Node) -> (bool, Option<String>) {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    match conditions.iter().find(|condition| condition.type_ == "Ready") {
        Some(condition) if condition.status == "True" => (true, None),
        Some(condition) => (false, condition.message.clone().or_else(|| condition.reason.clone())),
        None => (false, Some("the kubelet has not reported yet".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(json: serde_json::Value) -> EngineNode {
        engine_node(&serde_json::from_value(json).unwrap())
    }

    #[test]
    fn a_cordoned_node_is_ready_all_the_same() {
        let seen = node(serde_json::json!({
            "metadata": {"name": "n", "labels": {"node-role.kubernetes.io/control-plane": ""}},
            "spec": {"unschedulable": true},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }));
        assert!(seen.ready);
        assert_eq!(seen.role, NodeRole::Master);
    }

    #[test]
    fn a_node_that_is_not_ready_says_why() {
        let seen = node(serde_json::json!({
            "metadata": {"name": "n"},
            "status": {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown",
                                       "message": "Kubelet stopped posting node status."}]},
        }));
        assert_eq!((seen.ready, seen.reason.as_deref()), (false, Some("Kubelet stopped posting node status.")));
        let silent = node(serde_json::json!({"metadata": {"name": "n"}}));
        assert_eq!((silent.ready, silent.role), (false, NodeRole::Worker));
        assert!(silent.reason.is_some());
    }
}
