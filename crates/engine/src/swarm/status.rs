//! Status of a container, from the swarm's tasks (contract workloads-2015 section 2.6.3, in a swarm's terms).

use bollard::models::{Node, Task, TaskState};

use super::node::{hostname, is_up};

/// Status of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    /// `Running`, `Stopped`, `Error`, `Pending`, `Unknown`.
    pub(super) status: &'static str,
    /// Why the container does not run.
    pub(super) reason: Option<String>,
    /// Node that it runs on or ran on last.
    pub(super) host: Option<String>,
}

/// The newest task of a service: its current container. Older ones were moved.
pub(super) fn newest<'t>(tasks: &'t [Task], service: Option<&str>) -> Option<&'t Task> {
    tasks
        .iter()
        .filter(|task| task.service_id.as_deref() == service)
        .max_by(|a, b| a.created_at.cmp(&b.created_at).then_with(|| version(a).cmp(&version(b))))
}

fn version(task: &Task) -> u64 {
    task.version.as_ref().and_then(|version| version.index).unwrap_or_default()
}

/// The status of a container with this newest task.
pub(super) fn standing(task: Option<&Task>, nodes: &[Node]) -> Standing {
    let Some(task) = task else {
        return Standing { status: "Pending", reason: Some("the swarm has not placed it yet".to_owned()), host: None };
    };
    let state = task.status.clone().unwrap_or_default();
    let said = [state.err, state.message].into_iter().flatten().find(|text| !text.is_empty());
    let exit_code = state.container_status.and_then(|container| container.exit_code);
    let node_id = task.node_id.as_deref().filter(|id| !id.is_empty());
    let node = nodes.iter().find(|node| node_id.is_some() && node.id.as_deref() == node_id);
    let host = node.map(|node| hostname(node).to_owned()).filter(|name| !name.is_empty());
    let (status, reason) = match state.state.unwrap_or(TaskState::NEW) {
        TaskState::RUNNING => match (node_id, node) {
            (_, Some(node)) if is_up(node) => ("Running", None),
            (_, Some(node)) => ("Unknown", Some(format!("its node {} does not answer", hostname(node)))),
            (Some(_), None) => ("Error", Some("its node is gone".to_owned())),
            (None, None) => ("Running", None),
        },
        TaskState::COMPLETE => ("Stopped", Some("ended with exit code 0".to_owned())),
        TaskState::SHUTDOWN | TaskState::REMOVE => ("Stopped", said),
        // The container ran and exited, or it did not even start.
        TaskState::FAILED => match (exit_code, said) {
            (Some(code), Some(said)) if said.contains("non-zero exit") => {
                ("Stopped", Some(format!("ended with exit code {code}")))
            }
            (_, said) => ("Error", said),
        },
        TaskState::REJECTED => ("Error", said),
        TaskState::ORPHANED => ("Error", Some("its node is gone".to_owned())),
        // Being started. The swarm's message is shown unless it only repeats the state.
        _ => ("Pending", said),
    };
    Standing { status, reason, host }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn nodes() -> Vec<Node> {
        serde_json::from_value(json!([
            {"ID": "up", "Description": {"Hostname": "n1"}, "Status": {"State": "ready"}},
            {"ID": "down", "Description": {"Hostname": "n2"}, "Status": {"State": "down"}},
        ]))
        .unwrap()
    }

    fn of(node: &str, status: &Value) -> (&'static str, Option<String>) {
        let task: Task = serde_json::from_value(json!({"NodeID": node, "Status": status})).unwrap();
        let standing = standing(Some(&task), &nodes());
        (standing.status, standing.reason)
    }

    #[test]
    fn a_container_is_as_its_task_is() {
        assert_eq!(of("up", &json!({"State": "running"})), ("Running", None));
        assert_eq!(
            of("up", &json!({"State": "complete", "Message": "finished", "ContainerStatus": {"ExitCode": 0}})),
            ("Stopped", Some("ended with exit code 0".to_owned()))
        );
        let failed = json!({"State": "failed", "Err": "task: non-zero exit (3)", "ContainerStatus": {"ExitCode": 3}});
        assert_eq!(of("up", &failed), ("Stopped", Some("ended with exit code 3".to_owned())));
        let unstartable = json!({"State": "failed", "Message": "starting",
            "Err": "starting container failed: exec: \"nope\": not found", "ContainerStatus": {"ExitCode": 127}});
        assert_eq!(of("up", &unstartable).0, "Error");
        assert_eq!(
            of("up", &json!({"State": "rejected", "Message": "preparing", "Err": "No such image: nope:latest"})),
            ("Error", Some("No such image: nope:latest".to_owned()))
        );
        assert_eq!(
            of("", &json!({"State": "pending", "Message": "pending task scheduling", "Err": "no suitable node"})),
            ("Pending", Some("no suitable node".to_owned()))
        );
    }

    #[test]
    fn a_container_on_a_lost_node_is_not_running() {
        assert_eq!(of("down", &json!({"State": "running"})).0, "Unknown");
        assert_eq!(of("gone", &json!({"State": "running"})).0, "Error");
        assert_eq!(of("gone", &json!({"State": "orphaned"})).0, "Error");
        assert_eq!(standing(None, &nodes()).status, "Pending");
    }

    #[test]
    fn the_newest_task_counts() {
        let tasks: Vec<Task> = serde_json::from_value(json!([
            {"ID": "old", "ServiceID": "s", "CreatedAt": "2024-01-01T00:00:00.5Z", "Version": {"Index": 90}},
            {"ID": "new", "ServiceID": "s", "CreatedAt": "2024-01-01T00:00:01.5Z", "Version": {"Index": 20}},
            {"ID": "other", "ServiceID": "t", "CreatedAt": "2025-01-01T00:00:00Z"},
        ]))
        .unwrap();
        assert_eq!(newest(&tasks, Some("s")).and_then(|task| task.id.as_deref()), Some("new"));
        assert!(newest(&tasks, Some("none")).is_none());
    }
}
