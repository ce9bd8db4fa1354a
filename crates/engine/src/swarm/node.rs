//! The swarm's own view of its nodes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use bollard::Docker;
use bollard::models::{Node, NodeSpec, NodeSpecRoleEnum, NodeState, Reachability};
use bollard::query_parameters::{DeleteNodeOptions, ListNodesOptions, UpdateNodeOptions};
use jeroboam_model::NodeRole;
use tokio::time::Instant;

use super::{error, rescue, within};
use crate::{EngineNode, Result};

/// How long a manager may take to leave the Raft group after it was demoted.
const DEMOTE_LIMIT: Duration = Duration::from_secs(10);
/// Between two attempts.
const DEMOTE_INTERVAL: Duration = Duration::from_millis(250);
/// Most attempts of a change when the node is changed concurrently; the swarm does so at heartbeats.
const CHANGE_ATTEMPTS: usize = 5;

pub(super) async fn nodes(docker: &Docker) -> Result<Vec<EngineNode>> {
    let mut by_name: BTreeMap<String, EngineNode> = BTreeMap::new();
    for node in list(docker).await? {
        let seen = engine_node(&node);
        // A recreated machine leaves its earlier self behind as a node of the same name that is down.
        let better = by_name.get(&seen.name).is_none_or(|known| !known.ready && seen.ready);
        if better {
            by_name.insert(seen.name.clone(), seen);
        }
    }
    Ok(by_name.into_values().collect())
}

pub(super) async fn list(docker: &Docker) -> Result<Vec<Node>> {
    within("listing its nodes", docker.list_nodes(None::<ListNodesOptions>)).await
}

/// All nodes of that name.
pub(super) async fn named(docker: &Docker, name: &str) -> Result<Vec<Node>> {
    let mut nodes = list(docker).await?;
    nodes.retain(|node| hostname(node) == name);
    Ok(nodes)
}

/// Removes the node from the swarm, and moves containers that still counted as running on it.
pub(super) async fn forget(docker: &Docker, name: &str) -> Result<()> {
    for node in named(docker, name).await? {
        let Some(id) = node.id.as_deref() else { continue };
        if role(&node) == NodeRole::Master {
            change(docker, id, "demoting a manager", |spec| spec.role = Some(NodeSpecRoleEnum::WORKER)).await?;
        }
        remove(docker, id).await?;
    }
    // Also when the node is not known any more: an earlier attempt may have been interrupted at this point.
    rescue::rescue(docker).await
}

/// Removes by force. Right after a demotion the swarm may still count the node as a manager and refuse to remove it.
async fn remove(docker: &Docker, id: &str) -> Result<()> {
    let deadline = Instant::now() + DEMOTE_LIMIT;
    loop {
        let options = DeleteNodeOptions { force: true };
        match docker.delete_node(id, Some(options)).await {
            Ok(()) => return Ok(()),
            Err(said) if error::is_missing(&said) => return Ok(()),
            Err(said) if Instant::now() >= deadline => return Err(error::cause("removing a node from it", &said)),
            Err(_) => tokio::time::sleep(DEMOTE_INTERVAL).await,
        }
    }
}

/// Changes a node's specification, if it differs. `Ok` when the node is gone.
pub(super) async fn change(docker: &Docker, id: &str, doing: &str, edit: impl Fn(&mut NodeSpec)) -> Result<()> {
    for attempt in 1.. {
        let node = match docker.inspect_node(id).await {
            Err(said) if error::is_missing(&said) => return Ok(()),
            other => other.map_err(|said| error::cause(doing, &said))?,
        };
        let before = node.spec.unwrap_or_default();
        let mut after = before.clone();
        edit(&mut after);
        if after == before {
            return Ok(());
        }
        let version = node.version.and_then(|version| version.index).unwrap_or_default();
        let options = UpdateNodeOptions { version: i64::try_from(version).unwrap_or(i64::MAX) };
        match docker.update_node(id, after, options).await {
            Err(said) if error::is_outdated(&said) && attempt < CHANGE_ATTEMPTS => {}
            other => return other.map_err(|said| error::cause(doing, &said)),
        }
    }
    Ok(())
}

pub(super) fn hostname(node: &Node) -> &str {
    node.description.as_ref().and_then(|description| description.hostname.as_deref()).unwrap_or_default()
}

pub(super) fn is_up(node: &Node) -> bool {
    node.status.as_ref().and_then(|status| status.state) == Some(NodeState::READY)
}

/// Address of the node's engine. For a manager its own advertised address is more reliable than that of its
/// connection.
pub(super) fn address(node: &Node) -> Option<IpAddr> {
    let as_manager = node.manager_status.as_ref().and_then(|manager| manager.addr.as_deref());
    let as_worker = node.status.as_ref().and_then(|status| status.addr.as_deref());
    let of_manager = as_manager.and_then(|text| text.parse::<std::net::SocketAddr>().ok()).map(|at| at.ip());
    of_manager.or_else(|| as_worker.and_then(|text| text.parse().ok())).filter(|ip: &IpAddr| !ip.is_unspecified())
}

fn role(node: &Node) -> NodeRole {
    match node.spec.as_ref().and_then(|spec| spec.role) {
        Some(NodeSpecRoleEnum::MANAGER) => NodeRole::Master,
        _ => NodeRole::Worker,
    }
}

fn engine_node(node: &Node) -> EngineNode {
    let status = node.status.clone().unwrap_or_default();
    let engine = node.description.as_ref().and_then(|description| description.engine.as_ref());
    let version = engine.and_then(|engine| engine.engine_version.clone());
    let lost_manager =
        node.manager_status.as_ref().is_some_and(|manager| manager.reachability == Some(Reachability::UNREACHABLE));
    let ready = is_up(node) && !lost_manager;
    let said = status.message.filter(|message| !message.is_empty());
    let state = status.state.map_or_else(|| "unknown".to_owned(), |state| state.to_string());
    let reason = match (ready, lost_manager) {
        (true, _) => None,
        (false, true) => Some("the other managers do not reach it".to_owned()),
        (false, false) => Some(said.map_or_else(|| format!("the node is {state}"), |said| format!("{state}: {said}"))),
    };
    EngineNode {
        name: hostname(node).to_owned(),
        role: role(node),
        ready,
        reason,
        runtime: version.as_ref().map(|version| format!("docker://{version}")),
        version,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(value: serde_json::Value) -> Node {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_drained_node_is_ready_and_one_that_is_down_says_why() {
        let drained = engine_node(&node(json!({
            "ID": "a", "Spec": {"Role": "manager", "Availability": "drain"},
            "Description": {"Hostname": "n1", "Engine": {"EngineVersion": "20.10.24"}},
            "Status": {"State": "ready", "Addr": "10.0.0.2"},
        })));
        assert!(drained.ready);
        assert_eq!(drained.role, NodeRole::Master);
        assert_eq!(drained.version.as_deref(), Some("20.10.24"));
        let down = engine_node(&node(json!({
            "ID": "b", "Spec": {"Role": "worker"}, "Description": {"Hostname": "n2"},
            "Status": {"State": "down", "Message": "heartbeat failure"},
        })));
        assert_eq!((down.ready, down.reason.as_deref()), (false, Some("down: heartbeat failure")));
    }

    #[test]
    fn a_manager_is_reached_where_it_says_itself() {
        let manager = node(json!({"Status": {"Addr": "0.0.0.0"}, "ManagerStatus": {"Addr": "10.0.0.2:2377"}}));
        assert_eq!(address(&manager), Some("10.0.0.2".parse().unwrap()));
        assert_eq!(address(&node(json!({"Status": {"Addr": "10.0.0.3"}}))), Some("10.0.0.3".parse().unwrap()));
        assert_eq!(address(&node(json!({"Status": {"Addr": "0.0.0.0"}}))), None);
        let v6 = node(json!({"ManagerStatus": {"Addr": "[fd00::2]:2377"}}));
        assert_eq!(address(&v6), Some("fd00::2".parse().unwrap()));
    }
}
