//! Pods of Kubernetes.

use jeroboam_types::v1;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Event, Pod};
use kube::ResourceExt as _;
use kube::api::ListParams;

use super::workloads::{Workload, Workloads, created_at, within};

/// Events that are read to determine why a pod does not run. The newest warning is shown.
const EVENTS: u32 = 100;
/// Waiting reasons of a container that is starting normally.
const ORDINARY_WAITS: [&str; 2] = ["ContainerCreating", "PodInitializing"];

impl Workload for v1::Pod {
    type Object = Pod;
    const NOUN: &'static str = "pod";

    fn view(pod: &Pod) -> Self {
        let spec = pod.spec.clone().unwrap_or_default();
        let status = pod.status.clone().unwrap_or_default();
        let (word, reason) = standing(pod);
        Self {
            uuid: pod.uid().unwrap_or_default(),
            name: pod.name_any(),
            labels: pod.labels().clone(),
            images: spec.containers.into_iter().filter_map(|container| container.image).collect(),
            status: Some(word),
            status_reason: reason,
            host: spec.node_name,
            ip: status.pod_ip.filter(|ip| !ip.is_empty()),
            restarts: containers(pod).iter().map(|c| u32::try_from(c.restart_count).unwrap_or_default()).sum(),
            created_at: created_at(pod.metadata.creation_timestamp.as_ref()),
            ..Self::default()
        }
    }

    /// When the pod does not run, `status_reason` is Kubernetes' last warning.
    async fn explain(mut self, workloads: &Workloads) -> Self {
        let starting = self.status.as_deref().is_some_and(|s| s == "Pending" || s == "ContainerCreating");
        if starting && self.status_reason.is_none() {
            self.status_reason = last_warning(workloads, &self.uuid).await;
        }
        self
    }
}

/// The newest warning about a pod. Events are only a help, so a failure to read them is ignored.
async fn last_warning(workloads: &Workloads, uid: &str) -> Option<String> {
    let api = workloads.api::<Event>();
    let about = ListParams::default().limit(EVENTS).fields(&format!("involvedObject.uid={uid},type=Warning"));
    let events = within(async { api.list(&about).await }).await.ok()?;
    let newest = events.items.into_iter().max_by_key(|event| event.last_timestamp.as_ref().map(|time| time.0))?;
    Some(format!("{}: {}", newest.reason.unwrap_or_default(), newest.message.unwrap_or_default()))
}

fn containers(pod: &Pod) -> &[ContainerStatus] {
    pod.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default()
}

/// A pod's status in one word, as `kubectl get` shows it (the phase, or a reason behind it), and why it does not run.
fn standing(pod: &Pod) -> (String, Option<String>) {
    let status = pod.status.clone().unwrap_or_default();
    let phase = status.phase.clone().unwrap_or_else(|| "Unknown".to_owned());
    if pod.metadata.deletion_timestamp.is_some() {
        return ("Terminating".to_owned(), status.message);
    }
    if let Some(reason) = status.reason.filter(|reason| !reason.is_empty()) {
        return (reason, status.message);
    }
    for init in status.init_container_statuses.iter().flatten() {
        if let Some((word, reason)) = trouble(init) {
            return (format!("Init:{word}"), Some(reason));
        }
    }
    if let Some((word, reason)) = containers(pod).iter().find_map(trouble) {
        return (word, Some(reason));
    }
    let conditions = status.conditions.unwrap_or_default();
    let unplaced = conditions.iter().find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    if let Some(condition) = unplaced {
        return (condition.reason.clone().unwrap_or(phase), condition.message.clone());
    }
    let waits = containers(pod).iter().find_map(|container| container.state.as_ref()?.waiting.as_ref()?.reason.clone());
    if let Some(ordinary) = waits {
        return (ordinary, None);
    }
    let unready = containers(pod).iter().find(|container| !container.ready);
    let reason = unready.filter(|_| phase == "Running").map(|c| format!("container {} is not ready", c.name));
    (phase, reason)
}

/// Status and reason of a container that waits for an unusual reason, or that has failed.
fn trouble(container: &ContainerStatus) -> Option<(String, String)> {
    let state = container.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.clone()?;
        if ORDINARY_WAITS.contains(&reason.as_str()) {
            return None;
        }
        let said = waiting.message.clone().unwrap_or_else(|| reason.clone());
        let last = container.last_state.as_ref().and_then(ended).map(|end| format!(" (last time it {end})"));
        return Some((reason, format!("container {}: {said}{}", container.name, last.unwrap_or_default())));
    }
    let terminated = state.terminated.as_ref().filter(|terminated| terminated.exit_code != 0)?;
    let word = terminated.reason.clone().filter(|reason| !reason.is_empty()).unwrap_or_else(|| "Error".to_owned());
    let mut why = format!("container {} {}", container.name, ended(state)?);
    if let Some(message) = terminated.message.as_deref().filter(|message| !message.is_empty()) {
        why.push_str(": ");
        why.push_str(message);
    }
    Some((word, why))
}

fn ended(state: &ContainerState) -> Option<String> {
    let terminated = state.terminated.as_ref()?;
    Some(match terminated.reason.as_deref() {
        Some("OOMKilled") => "was killed because it used more memory than its limit".to_owned(),
        _ => format!("ended with exit code {}", terminated.exit_code),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(status: &Value) -> (String, Option<String>) {
        standing(&serde_json::from_value(json!({"metadata": {"name": "p"}, "status": status})).unwrap())
    }

    fn container(state: &Value) -> Value {
        json!({"name": "web", "image": "i", "imageID": "", "ready": false, "restartCount": 3, "state": state})
    }

    #[test]
    fn a_running_pod_has_no_reason() {
        let mut running = container(&json!({"running": {}}));
        running["ready"] = true.into();
        assert_eq!(of(&json!({"phase": "Running", "containerStatuses": [running]})), ("Running".to_owned(), None));
    }

    #[test]
    fn what_a_container_waits_for_is_the_status() {
        let state = json!({"waiting": {"reason": "ErrImagePull", "message": "not found"}});
        assert_eq!(
            of(&json!({"phase": "Pending", "containerStatuses": [container(&state)]})),
            ("ErrImagePull".to_owned(), Some("container web: not found".to_owned()))
        );
        let state = json!({"waiting": {"reason": "ContainerCreating"}});
        assert_eq!(
            of(&json!({"phase": "Pending", "containerStatuses": [container(&state)]})),
            ("ContainerCreating".to_owned(), None)
        );
    }

    #[test]
    fn a_crash_loop_says_how_the_container_ended() {
        let mut looping = container(&json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}));
        looping["lastState"] = json!({"terminated": {"exitCode": 3, "reason": "Error"}});
        assert_eq!(
            of(&json!({"phase": "Running", "containerStatuses": [looping]})),
            (
                "CrashLoopBackOff".to_owned(),
                Some("container web: back-off 10s (last time it ended with exit code 3)".to_owned())
            )
        );
    }

    #[test]
    fn ends_are_told_apart() {
        let killed = container(&json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}));
        let (word, reason) = of(&json!({"phase": "Failed", "containerStatuses": [killed]}));
        assert_eq!(word, "OOMKilled");
        assert_eq!(reason.unwrap(), "container web was killed because it used more memory than its limit");
        let good = container(&json!({"terminated": {"exitCode": 0, "reason": "Completed"}}));
        assert_eq!(of(&json!({"phase": "Succeeded", "containerStatuses": [good]})).0, "Succeeded");
    }

    #[test]
    fn a_pod_that_no_node_can_take_says_why() {
        let unplaced = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                               "message": "0/2 nodes are available: 2 Insufficient memory."}]);
        assert_eq!(
            of(&json!({"phase": "Pending", "conditions": unplaced})),
            ("Unschedulable".to_owned(), Some("0/2 nodes are available: 2 Insufficient memory.".to_owned()))
        );
    }

    #[test]
    fn an_evicted_pod_and_a_failing_init_container_say_so() {
        assert_eq!(
            of(&json!({"phase": "Failed", "reason": "Evicted", "message": "low on disk"})),
            ("Evicted".to_owned(), Some("low on disk".to_owned()))
        );
        let init = container(&json!({"terminated": {"exitCode": 2, "reason": "Error"}}));
        assert_eq!(of(&json!({"phase": "Pending", "initContainerStatuses": [init]})).0, "Init:Error");
    }
}
