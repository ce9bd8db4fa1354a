//! Moves containers that have lost their node.
//!
//! Our containers are services that are never restarted (a container that exits stays so). The swarm therefore does not
//! start them on another node either when theirs is drained or gone. A forced update makes it do so, for exactly those
//! services whose container did not exit on its own. The services are determined from the swarm's state, so that this
//! can be repeated after an interruption at any point.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bollard::Docker;
use bollard::models::{NodeSpecAvailabilityEnum, Service, Task, TaskState};
use bollard::query_parameters::{ListServicesOptions, ListTasksOptions, UpdateServiceOptions};
use tokio::time::Instant;

use super::{error, node, spec, status, within};
use crate::Result;

/// How long the swarm may take to give up a container. If it is told to move one before that, it waits a whole minute
/// for the old one to stop, which never happens on a machine that is gone.
const GIVE_UP_LIMIT: Duration = Duration::from_secs(5);
/// Between two checks of that.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Moves every container whose node is drained or gone to another node.
pub(super) async fn rescue(docker: &Docker) -> Result<()> {
    let deadline = Instant::now() + GIVE_UP_LIMIT;
    loop {
        let lost = lost(docker).await?;
        let late = Instant::now() >= deadline;
        if late || lost.iter().all(|(_, given_up)| *given_up) {
            let mut all_moved = true;
            for (service, _) in lost {
                all_moved &= move_away(docker, service, late).await?;
            }
            if all_moved {
                return Ok(());
            }
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// The services whose container has lost its node, and whether the swarm has given up that container.
async fn lost(docker: &Docker) -> Result<Vec<(Service, bool)>> {
    let filters = HashMap::from([("label".to_owned(), vec![spec::UUID.to_owned()])]);
    let options = ListServicesOptions { filters: Some(filters), ..ListServicesOptions::default() };
    let services = within("listing its services", docker.list_services(Some(options))).await?;
    if services.is_empty() {
        return Ok(Vec::new());
    }
    let tasks = within("listing its tasks", docker.list_tasks(None::<ListTasksOptions>)).await?;
    let usable: HashSet<String> = node::list(docker)
        .await?
        .into_iter()
        .filter(|node| {
            let availability = node.spec.as_ref().and_then(|spec| spec.availability);
            availability != Some(NodeSpecAvailabilityEnum::DRAIN)
        })
        .filter_map(|node| node.id)
        .collect();
    Ok(services
        .into_iter()
        .filter_map(|service| {
            let task = status::newest(&tasks, service.id.as_deref()).filter(|task| is_lost(task, &usable))?;
            let given_up = matches!(task.desired_state, Some(TaskState::SHUTDOWN | TaskState::REMOVE));
            Some((service, given_up))
        })
        .collect())
}

/// Whether the container has lost its node and had not exited before.
fn is_lost(task: &Task, usable: &HashSet<String>) -> bool {
    let ended = matches!(
        task.status.as_ref().and_then(|status| status.state),
        Some(TaskState::COMPLETE | TaskState::FAILED | TaskState::REJECTED | TaskState::REMOVE)
    );
    // A task without a node still waits to be placed.
    let node = task.node_id.as_deref().filter(|id| !id.is_empty());
    !ended && node.is_some_and(|id| !usable.contains(id))
}

/// Returns whether the service was updated: not when the swarm changed it concurrently, which is an error if `late`.
async fn move_away(docker: &Docker, service: Service, late: bool) -> Result<bool> {
    let (Some(id), Some(mut wanted)) = (service.id, service.spec) else { return Ok(true) };
    let template = wanted.task_template.get_or_insert_default();
    template.force_update = Some(template.force_update.unwrap_or_default() + 1);
    let version = service.version.and_then(|version| version.index).unwrap_or_default();
    let options =
        UpdateServiceOptions { version: i32::try_from(version).unwrap_or(i32::MAX), ..UpdateServiceOptions::default() };
    match docker.update_service(&id, wanted, options, None).await {
        Ok(_) => {
            tracing::info!(service = id, "the container lost its node and gets another");
            Ok(true)
        }
        Err(said) if error::is_missing(&said) => Ok(true),
        Err(said) if error::is_outdated(&said) && !late => Ok(false),
        Err(said) => Err(error::cause("moving a container", &said)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lost(state: &str, node: &str) -> bool {
        let task: Task = serde_json::from_value(json!({"NodeID": node, "Status": {"State": state}})).unwrap();
        is_lost(&task, &HashSet::from(["here".to_owned()]))
    }

    #[test]
    fn a_container_that_ended_by_itself_is_left_alone() {
        for state in ["complete", "failed", "rejected"] {
            assert!(!lost(state, "gone"), "{state}");
        }
        for state in ["assigned", "preparing", "running", "shutdown", "orphaned"] {
            assert!(lost(state, "gone"), "{state}");
            assert!(!lost(state, "here"), "{state}");
        }
        assert!(!lost("pending", ""));
    }
}
