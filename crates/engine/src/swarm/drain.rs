//! Draining a node: no new containers are placed on it, and those on it move.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::models::{Node, NodeSpecAvailabilityEnum, Task, TaskState};
use bollard::query_parameters::ListTasksOptions;
use tokio::time::Instant;

use super::{node, rescue, within};
use crate::Result;

/// How long containers may take to stop; they get 10 s between SIGTERM and SIGKILL by default. After that the machine
/// is removed in any case, as requested.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);
/// Between two checks whether they have stopped.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);

pub(super) async fn drain(docker: &Docker, name: &str) -> Result<()> {
    let nodes = node::named(docker, name).await?;
    for node in &nodes {
        let id = node.id.as_deref().unwrap_or_default();
        node::change(docker, id, "draining a node", |spec| {
            spec.availability = Some(NodeSpecAvailabilityEnum::DRAIN);
        })
        .await?;
    }
    if nodes.is_empty() {
        return Ok(());
    }
    wait_until_empty(docker, &nodes, name).await?;
    // Only after the old containers have stopped, so that none runs twice.
    rescue::rescue(docker).await
}

async fn wait_until_empty(docker: &Docker, nodes: &[Node], name: &str) -> Result<()> {
    let deadline = Instant::now() + DRAIN_LIMIT;
    // A node that is down cannot report that its containers have stopped.
    for id in nodes.iter().filter(|node| node::is_up(node)).filter_map(|node| node.id.as_deref()) {
        while runs_something(docker, id).await? {
            if Instant::now() >= deadline {
                tracing::warn!(node = name, "containers did not leave the node in time");
                return Ok(());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
    Ok(())
}

async fn runs_something(docker: &Docker, node: &str) -> Result<bool> {
    let filters = HashMap::from([("node".to_owned(), vec![node.to_owned()])]);
    let options = ListTasksOptions { filters: Some(filters) };
    let tasks = within("listing a node's containers", docker.list_tasks(Some(options))).await?;
    Ok(tasks.iter().any(is_active))
}

fn is_active(task: &Task) -> bool {
    !matches!(
        task.status.as_ref().and_then(|status| status.state),
        Some(
            TaskState::COMPLETE
                | TaskState::SHUTDOWN
                | TaskState::FAILED
                | TaskState::REJECTED
                | TaskState::REMOVE
                | TaskState::ORPHANED
        )
    )
}
