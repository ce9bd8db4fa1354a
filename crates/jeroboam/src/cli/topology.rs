//! `jeroboam bay topology`: prints a cluster as a tree.

use jeroboam_types::operation::{Topology, TopologyNode, TopologyNodeGroup};

use super::Context;
use super::failure::Failure;
use super::style::{BAD, BOLD, DIM, WARN, paint, status};

pub(crate) async fn run(context: &Context, ident: &str) -> Result<(), Failure> {
    let topology = context.client.topology(ident).await?;
    context.out.tree(&topology, &topology.name, &tree(&topology))
}

/// A line of the tree and its children.
pub(super) struct Branch {
    pub(super) text: String,
    pub(super) below: Vec<Branch>,
}

fn tree(topology: &Topology) -> String {
    let mut head = vec![paint(BOLD, &topology.name), topology.engine.clone(), status(&topology.status)];
    head.extend(topology.health.as_deref().map(status));
    head.extend(topology.api_address.as_deref().map(|address| paint(DIM, address)));
    let root = Branch { text: head.join("  "), below: topology.node_groups.iter().map(group).collect() };
    let mut lines = vec![root.text];
    draw(&root.below, "", &mut lines);
    lines.join("\n")
}

fn group(group: &TopologyNodeGroup) -> Branch {
    let nodes = if group.node_count == 1 { "1 node".to_owned() } else { format!("{} nodes", group.node_count) };
    Branch {
        text: format!("{} ({}, {nodes})  {}", paint(BOLD, &group.name), group.role, status(&group.status)),
        below: group.nodes.iter().map(node).collect(),
    }
}

fn node(node: &TopologyNode) -> Branch {
    let mut words = vec![paint(BOLD, &node.name), status(&node.phase)];
    words.extend(node.address.clone());
    words.extend(node.machine.as_deref().map(|machine| paint(DIM, machine.get(..12).unwrap_or(machine))));
    let mut below = Vec::new();
    if let Some(since) = node.silent_since {
        below.push(Branch {
            text: paint(WARN, &format!("its agent has been silent since {since:.0}")),
            below: Vec::new(),
        });
    }
    if let (Some(false), Some(reason)) = (node.ready, &node.reason) {
        below.push(Branch { text: paint(WARN, &format!("not ready: {reason}")), below: Vec::new() });
    }
    if let Some(problem) = &node.problem {
        below.push(Branch { text: paint(BAD, problem), below: Vec::new() });
    }
    let width = node.components.iter().map(|component| component.name.len()).max().unwrap_or_default();
    below.extend(node.components.iter().map(|component| {
        let mut text = format!("{:width$}  {}", component.name, status(&component.state));
        if let Some(version) = &component.version {
            text += &format!("  {}", paint(DIM, version));
        }
        if component.restarts > 0 {
            let times = if component.restarts == 1 { "restart" } else { "restarts" };
            text += &paint(WARN, &format!("  {} {times}", component.restarts));
        }
        Branch { text, below: Vec::new() }
    }));
    Branch { text: words.join("  "), below }
}

pub(super) fn draw(branches: &[Branch], indent: &str, lines: &mut Vec<String>) {
    for (index, branch) in branches.iter().enumerate() {
        let (fork, beside) = if index + 1 == branches.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        lines.push(format!("{indent}{fork}{}", branch.text));
        draw(&branch.below, &format!("{indent}{beside}"), lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_drawn_as_a_tree() {
        let component = |name: &str, state: &str, restarts| serde_json::json!({"name": name, "state": state, "version": "v1.37.2", "restarts": restarts});
        let topology: Topology = serde_json::from_value(serde_json::json!({
            "uuid": "11111111-2222-3333-4444-555555555555", "name": "demo", "engine": "kubernetes v1.37.2",
            "status": "CREATE_COMPLETE", "health": "UNHEALTHY", "api_address": "https://10.89.0.2:6443",
            "node_groups": [
                {"name": "default-master", "role": "master", "node_count": 1, "status": "CREATE_COMPLETE", "nodes": [
                    {"name": "demo-master-0", "address": "10.89.0.2", "machine": "0123456789abcdef", "phase": "up",
                     "problem": null, "components": [component("etcd", "up", 0), component("kube-apiserver", "up", 1)]}]},
                {"name": "default-worker", "role": "worker", "node_count": 3, "status": "CREATE_COMPLETE", "nodes": [
                    {"name": "demo-worker-0", "ready": false, "reason": "the engine does not know it", "address": null, "machine": null, "phase": "starting",
                     "problem": null, "components": []},
                    {"name": "demo-worker-2", "address": "10.89.0.5", "machine": "def", "phase": "unknown",
                     "silent_since": "2026-01-02T03:04:05.678Z", "problem": null, "components": []},
                    {"name": "demo-worker-1", "address": "10.89.0.4", "machine": "abc", "phase": "failed",
                     "problem": "kubelet: it ends again and again", "components": [component("kubelet", "backoff", 7)]}]}
            ]
        })).unwrap();
        insta::assert_snapshot!(anstream::adapter::strip_str(&tree(&topology)).to_string());
    }
}
